"""The one exception that is the user's to mend."""


class UserError(Exception):
    """Input that aejax cannot use: one line that names the key, file or flag and the remedy; launchers exit with 2."""
