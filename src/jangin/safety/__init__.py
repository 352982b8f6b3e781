"""Safety limits with provenance: a calculator for contact and separation whose numbers are a user-confirmed profile.

    from jangin.safety import default_profile, read_profile
    read_profile("my.yaml").claims(task)

`contact` and `separation` are the arithmetic, `body` a region's numbers and what they permit, `profile` the file, and
`calculator` the answers of `jangin limits`. None of it is a safety assessment; docs/limits.md says what it is.
"""

from jangin.safety.profile import Profile, default_profile, read_profile

__all__ = ["Profile", "default_profile", "read_profile"]
