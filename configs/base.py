"""Every key at its default: what recipes change. All that is known of a key is in aejax/keys.py; docs/keys.md lists it.

python -m experiments.train --keys
"""

from aejax.keys import base_config as get_config

__all__ = ["get_config"]
