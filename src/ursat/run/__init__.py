"""From options to a finished file: the seven steps, the report, verification."""
