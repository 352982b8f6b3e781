"""Keys and signatures: who vouches for a bundle.

    key, sentence = signing_key(Path("signing.key"))         # made on first use, mode 0600; then the sentence says so
    signature = signed({"policy.onnx": sha256, ...}, key)    # plain values for signature.json
    verified(signature)                                      # is it this key's, over these hashes?
    trusted_fingerprint("signing.key.pub")                   # 64 hexadecimal digits

A signer is named by the fingerprint: the sha256 of the 32 bytes of the ed25519 public key (RFC 8032). A signature alone
only says that the holder of *some* key signed; whose key that is must be known from elsewhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jangin.errors import BadFolder, JanginError, Refused
from jangin.record import write_whole

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["signed", "signed_text", "signing_key", "trusted_fingerprint", "verified"]

SCHEMA = "jangin-signature/1"


def signed_text(files: Mapping[str, str]) -> bytes:
    """What is signed: a line that says what for, then the lines of `sha256sum`, sorted by name."""
    return "".join([f"{SCHEMA}\n", *(f"{files[name]}  {name}\n" for name in sorted(files))]).encode("ascii")


def signed(files: Mapping[str, str], key: Ed25519PrivateKey) -> dict[str, Any]:
    """A signature over files (sha256 by name), with everything that is needed to check it."""
    public = key.public_key().public_bytes_raw()
    return {
        "schema": SCHEMA,
        "algorithm": "ed25519",
        "public_key": public.hex(),
        "fingerprint": hashlib.sha256(public).hexdigest(),
        "files": dict(files),
        "signature": key.sign(signed_text(files)).hex(),
    }


def verified(signature: Mapping[str, Any]) -> bool:
    """Whether the signature is its own key's over its own list of hashes, and the fingerprint that key's."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public = bytes.fromhex(signature["public_key"])
    try:
        key = Ed25519PublicKey.from_public_bytes(public)
        key.verify(bytes.fromhex(signature["signature"]), signed_text(signature["files"]))
    except (InvalidSignature, ValueError):
        return False
    return bool(signature["fingerprint"] == hashlib.sha256(public).hexdigest())


def signing_key(path: Path) -> tuple[Ed25519PrivateKey, str]:
    """The user's ed25519 private key, and a sentence when it was made just now ("" otherwise).

    The file is PEM or OpenSSH, without a passphrase, readable by its owner alone. A missing one is made, mode 0600,
    with its public half beside it as `<path>.pub`.

    Raises: JanginError when the file is no such key or cannot be made.
    """
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path = Path(path)
    sentence = "" if path.exists() else _make_key(path)
    try:
        data, mode = path.read_bytes(), path.stat().st_mode
    except OSError as e:
        raise JanginError(f"Cannot read the signing key {path}: {e.strerror or e}. Give another one with --key.") from e
    if mode & 0o077:
        raise JanginError(f"The signing key {path} can be read by others (mode {mode & 0o777:04o}): chmod 600 {path}")
    for load in (form.load_pem_private_key, form.load_ssh_private_key):
        try:
            loaded = load(data, password=None)
        except TypeError:
            raise JanginError(f"The signing key {path} has a passphrase. Give a key without one with --key.") from None
        except Exception:  # each loader has many ways to say "not my format"; what is raised below says it once
            continue
        if isinstance(loaded, Ed25519PrivateKey):
            return loaded, sentence
    raise JanginError(
        f"{path} is not an ed25519 private key. Make one with: openssl genpkey -algorithm ed25519 -out {path}"
    )


def _make_key(path: Path) -> str:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    public = path.with_name(path.name + ".pub")
    try:
        write_whole(public, key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo))
        private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
        write_whole(path, private, mode=0o600)
    except BadFolder as e:
        raise JanginError(f"Cannot make the signing key {path}: {e.__cause__}. Give another place with --key.") from e
    return f"A new signing key was made: {path}. Keep it safe; whoever runs your bundles needs {public} to trust them."


def trusted_fingerprint(trust: str | Path) -> str:
    """The fingerprint that `trust` names: 64 hexadecimal digits, or a public key's file (PEM or OpenSSH).

    Raises: Refused when it is neither.
    """
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if re.fullmatch("[0-9a-fA-F]{64}", str(trust)):
        return str(trust).lower()
    try:
        data = Path(trust).read_bytes()
    except (OSError, ValueError):
        raise Refused(
            f"The trusted signer {str(trust)!r} is neither a fingerprint (64 hexadecimal digits) nor a public key file."
        ) from None
    for load in (form.load_pem_public_key, form.load_ssh_public_key):
        try:
            key = load(data)
        except Exception:  # as above
            continue
        if isinstance(key, Ed25519PublicKey):
            return hashlib.sha256(key.public_bytes_raw()).hexdigest()
    raise Refused(
        f"{trust} is not an ed25519 public key. `jangin ship` writes one beside the key it makes, ending in .pub."
    )
