"""Runs the campaigns, prints their outcomes, and exits with 1 if a case failed."""

import argparse
import sys
import time

from tests import campaigns


def main() -> None:
    parser = argparse.ArgumentParser(description=campaigns.__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", choices=("small", "full"), default="small")
    parser.add_argument("--only", help="campaigns, separated by commas")
    parser.add_argument("--replay", metavar="NAME:SEED:NUMBER", help="repeats one case")
    asked = parser.parse_args()
    if asked.replay:
        name, seed, number = asked.replay.split(":")
        with campaigns.prepared(name) as (module, context):
            print(campaigns.run_case(module, context, int(seed), int(number)))
        return
    failed = 0
    for name in asked.only.split(",") if asked.only else campaigns.NAMES:
        started = time.monotonic()
        result = campaigns.run(name, asked.seed, asked.scale == "full", lambda line: print(line, flush=True))
        count = result.outcomes.total() + len(result.failures)
        print(f"{name}: {count} cases in {time.monotonic() - started:.0f} s: {campaigns.words(result)}", flush=True)
        failed += len(result.failures)
    print(f"{failed} cases failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
