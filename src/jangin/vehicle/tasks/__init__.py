"""Tasks of this domain, one file each."""
