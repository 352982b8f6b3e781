"""Laws of the bundle: one content is one file, nothing but what was signed opens, and the manifest is strict."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import pickle
import random
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from jangin import bundle
from jangin.bundle import check_manifest, decode, encode, read, unpack_array
from jangin.errors import JanginError, Refused
from jangin.ship import ship
from jangin.signing import signed_text, signing_key, trusted_fingerprint
from shipped import KEY, finished_folder, resigned, unpacked
from toy import Toy

WHERE = Path("a.bundle")
SIGNER = hashlib.sha256(KEY.public_key().public_bytes_raw()).hexdigest()
PEM, PKCS8, SPKI = (
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.PublicFormat.SubjectPublicKeyInfo,
)
SSH = serialization.Encoding.OpenSSH
PLAIN = serialization.NoEncryption()


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> bytes:
    """A true bundle, signed by KEY."""
    place = tmp_path_factory.mktemp("bundle")
    key = place / "key"
    key.touch(0o600)
    key.write_bytes(KEY.private_bytes(PEM, PKCS8, PLAIN))
    return ship(Toy(), finished_folder(place / "run"), key=key).path.read_bytes()


@pytest.fixture(scope="module")
def manifest(data) -> dict:
    """Its bundle.yaml."""
    return yaml.safe_load(unpacked(data)["bundle.yaml"])


def refusal(data: bytes, **options) -> str:
    """The sentence with which these bytes are refused."""
    with pytest.raises(Refused) as e:
        decode(data, WHERE, **options)
    text = str(e.value)
    assert "\n" not in text
    assert text.endswith((".", ")"))
    return text


# ── one content, one file ────────────────────────────────────────────────────────────────────────────────────────


def test_the_format_is_pinned():
    """These files and this key are these bytes, on every machine and in every later version of this schema."""
    made = encode({"bundle.yaml": b"a: 1\n", "policy.onnx": b"\0\1"}, KEY)
    assert len(made) == 859
    assert hashlib.sha256(made).hexdigest() == "1afbd3e036810c771b06785c2a4540974e4620088a2e40ece40a784df0f891a4"
    assert made == encode({"policy.onnx": b"\0\1", "bundle.yaml": b"a: 1\n"}, KEY)


def test_any_zip_tool_opens_it(data):
    """The standard library, which wrote none of it, finds every file whole, stored, in sorted order and dated 1980."""
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        assert z.testzip() is None
        infos = z.infolist()
    assert [i.filename for i in infos] == sorted(i.filename for i in infos)
    assert {i.compress_type for i in infos} == {zipfile.ZIP_STORED}
    assert {i.date_time for i in infos} == {(1980, 1, 1, 0, 0, 0)}


def test_the_container_is_what_the_standard_library_writes(data):
    """Twin: zipfile, told the same names, order, date and mode, writes the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as z:
        for name in sorted(source.namelist()):
            info = zipfile.ZipInfo(name)
            info.external_attr, info.create_system = 0o100644 << 16, 3
            z.writestr(info, source.read(name))
    assert buffer.getvalue() == data


def test_a_true_bundle_opens(data, manifest):
    """What was packed comes out: every file, the manifest, the signer, the sha256; nobody was pinned."""
    opened = decode(data, WHERE)
    assert {n: d for n, d in opened.members.items() if n != "signature.json"} == unpacked(data)
    assert opened.manifest == manifest
    assert opened.bundle.sha256 == hashlib.sha256(data).hexdigest()
    assert (opened.bundle.signer, opened.bundle.path, opened.pinned) == (SIGNER, WHERE, False)


# ── nothing but what was signed ──────────────────────────────────────────────────────────────────────────────────


def test_no_changed_byte_opens(data):
    """Whichever byte is changed, in a file, a header or the signature: refused. All headers, a 7th of the rest."""
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        headers = {i.header_offset + k for i in z.infolist() for k in range(30 + len(i.filename))}
        headers |= set(range(z.start_dir, len(data)))
    rng = random.Random(5)
    for at in sorted(headers | set(range(0, len(data), 7))):
        broken = bytearray(data)
        broken[at] ^= 1 << rng.randrange(8)
        with pytest.raises(Refused):
            decode(bytes(broken), WHERE)


@pytest.mark.parametrize(
    "name", ["policy.onnx", "bundle.yaml", "evidence/trials.parquet", "golden/action.npy", "report.html"]
)
def test_a_changed_file_is_named(data, name):
    """The refusal says which file was changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        info = z.getinfo(name)
    broken = bytearray(data)
    broken[info.header_offset + 30 + len(name) + info.file_size // 2] ^= 1
    assert refusal(bytes(broken)) == f"The file {name} in a.bundle was changed after it was signed: its sha256 differs."


def test_no_beginning_of_it_opens(data):
    """A file that was cut off anywhere is refused, and says so once it has begun as a zip file."""
    for size in [*range(0, len(data), 211), len(data) - 1]:
        text = refusal(data[:size])
        assert ("ends too early" in text) == (size >= 4), (size, text)


def test_nothing_may_be_around_it(data):
    """Bytes after, before or between the files are refused, though zip tools would not mind them."""
    assert "altered around its files" in refusal(data + b"\0")
    assert "does not begin as a zip file" in refusal(b"#!/bin/sh\n" + data)
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        directory = z.start_dir
    assert "altered around its files" in refusal(data[:directory] + b"hidden" + data[directory:])


def repacked(data: bytes, change) -> bytes:
    """The bundle's files after change(files), with the old signature, in a well-formed container."""
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        files = {n: z.read(n) for n in z.namelist()}
    change(files)
    return bundle._pack(files)


def test_a_missing_or_an_added_file_is_named(data):
    """The signature covers the list of files: none can be taken out, put in or renamed."""
    assert "lacks the file report.html" in refusal(repacked(data, lambda f: f.pop("report.html")))
    assert "holds the file extra.py, which nobody signed" in refusal(
        repacked(data, lambda f: f.update({"extra.py": b"x"}))
    )
    assert "lacks the file policy.onnx" in refusal(
        repacked(data, lambda f: f.update({"policy2.onnx": f.pop("policy.onnx")}))
    )
    assert "has no signature.json" in refusal(repacked(data, lambda f: f.pop("signature.json")))
    assert "has no bundle.yaml" in refusal(repacked(data, lambda f: f.pop("bundle.yaml")))


def with_signature(data: bytes, **changed) -> bytes:
    """The bundle with values of its signature.json replaced."""

    def change(files):
        values = json.loads(files["signature.json"]) | changed
        files["signature.json"] = (json.dumps(values, sort_keys=True, separators=(",", ":")) + "\n").encode()

    return repacked(data, change)


def test_a_signature_that_is_not_the_signers_is_refused(data):
    """Another key, another list of hashes, another fingerprint, another algorithm, extra words: none is a signature."""
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        values = json.loads(z.read("signature.json"))
    assert with_signature(data) == data
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = other.public_key().public_bytes_raw()
    forged = {"public_key": public.hex(), "fingerprint": hashlib.sha256(public).hexdigest()}
    wrong = "The signature of a.bundle is wrong"
    assert refusal(with_signature(data, **forged)).startswith(wrong)
    assert refusal(with_signature(data, signature=other.sign(signed_text(values["files"])).hex())).startswith(wrong)
    assert refusal(with_signature(data, files=values["files"] | {"policy.onnx": "0" * 64})).startswith(wrong)
    assert refusal(with_signature(data, fingerprint=forged["fingerprint"])).startswith(wrong)
    assert "'ed25519' belongs" in refusal(with_signature(data, algorithm="none"))
    assert "unknown key 'more'" in refusal(with_signature(data, more=1))
    spaced = repacked(data, lambda f: f.update({"signature.json": json.dumps(values, indent=1).encode()}))
    assert "cannot be read" in refusal(spaced)
    assert "cannot be read" in refusal(repacked(data, lambda f: f.update({"signature.json": b"[" * 100_000})))


def test_what_is_signed_can_be_checked_by_hand(data):
    """Independent check: a line, then `sha256sum` of every other file sorted by name, under the public key."""
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        values = json.loads(z.read("signature.json"))
    lines = [f"{hashlib.sha256(d).hexdigest()}  {n}\n" for n, d in sorted(unpacked(data).items())]
    text = "jangin-signature/1\n" + "".join(lines)
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(values["public_key"]))
    key.verify(bytes.fromhex(values["signature"]), text.encode())


@pytest.mark.parametrize(
    "name", ["../evil.sh", "/etc/passwd", "a/../../b", "C:/x", "a\\b", "a//b", ".hidden", "a\nb", "é", ""]
)
def test_a_name_that_could_leave_the_bundle_is_refused(name):
    """Only plain relative names are names; nothing is made of one anyway."""
    raw = name.encode()
    head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, len(raw), 0)
    assert "which no bundle does" in refusal(head + raw + bytes(100))


def zipped(*files: tuple[str, bytes], method=zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as z:
        warnings.simplefilter("ignore")
        for name, content in files:
            z.writestr(name, content)
    return buffer.getvalue()


def test_a_zip_bomb_is_refused_unopened():
    """A member that would grow when unpacked is not unpacked: members are stored."""
    bomb = zipped(("bundle.yaml", bytes(1 << 26)), method=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    assert "holds bundle.yaml compressed or encrypted" in refusal(bomb)


def test_other_zip_files_are_refused():
    """Any zip file is no bundle, and two files of one name are none either."""
    assert "has no signature.json" in refusal(zipped(("hello.txt", b"hi")))
    assert "two files named bundle.yaml" in refusal(zipped(("bundle.yaml", b"a"), ("bundle.yaml", b"b")))
    assert "does not begin as a zip file" in refusal(zipped())


def test_a_bundle_packed_again_is_refused(data):
    """The same files in another tool's zip are no longer the file that was made."""
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        again = zipped(*((n, z.read(n)) for n in z.namelist()))
    assert "packed again by another tool" in refusal(again)


def test_files_that_are_no_bundles(tmp_path):
    """What cannot be read is said in a sentence: not there, a folder, empty, no zip, too large."""

    def said(path):
        with pytest.raises(Refused) as e:
            read(path)
        return str(e.value)

    assert said(tmp_path / "no.bundle").startswith(f"There is no bundle {tmp_path / 'no.bundle'}.")
    assert said(tmp_path).startswith(f"Cannot read the bundle {tmp_path}: Is a directory")
    (tmp_path / "empty").touch()
    assert "does not begin as a zip file" in said(tmp_path / "empty")
    (tmp_path / "text").write_text("hello")
    assert "does not begin as a zip file" in said(tmp_path / "text")
    with open(tmp_path / "large", "wb") as f:
        f.truncate(bundle.MAX_BYTES + 1)
    assert "a bundle has at most 536870912" in said(tmp_path / "large")


# ── trust ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pinned_signer_is_the_only_one(data, tmp_path):
    """A fingerprint, in either case, or a public key's file, PEM or OpenSSH, pins; another's refuses and names both."""
    mine, other = tmp_path / "mine.pub", tmp_path / "other.pub"
    mine.write_bytes(KEY.public_key().public_bytes(PEM, SPKI))
    ssh = tmp_path / "ssh.pub"
    ssh.write_bytes(KEY.public_key().public_bytes(SSH, serialization.PublicFormat.OpenSSH))
    for trust in (SIGNER, SIGNER.upper(), mine, str(mine), ssh):
        assert decode(data, WHERE, trust=trust).pinned
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    other.write_bytes(stranger.public_bytes(PEM, SPKI))
    fingerprint = hashlib.sha256(stranger.public_bytes_raw()).hexdigest()
    for trust in (fingerprint, other):
        assert refusal(data, trust=trust).startswith(
            f"a.bundle was signed by {SIGNER}, and the trusted signer is {fingerprint}."
        )


def test_a_trust_that_is_neither_is_said(data, tmp_path):
    """A mistyped fingerprint or a file of something else never means "trust anybody"."""
    for trust in ("abc", SIGNER[:-1], tmp_path / "no.pub", tmp_path, ""):
        assert "neither a fingerprint (64 hexadecimal digits) nor a public key file" in refusal(data, trust=trust)
    curve = tmp_path / "p256.pub"
    curve.write_bytes(ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(PEM, SPKI))
    (tmp_path / "text").write_text("hello")
    for trust in (curve, tmp_path / "text"):
        assert "is not an ed25519 public key" in refusal(data, trust=trust)


def test_the_first_use_makes_a_key(tmp_path):
    """A missing key is made once, for its owner alone, with its public half beside it, and the sentence says so."""
    path = tmp_path / "config" / "signing.key"
    key, sentence = signing_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert sentence.startswith(f"A new signing key was made: {path}.")
    again, silence = signing_key(path)
    assert silence == ""
    assert again.private_bytes_raw() == key.private_bytes_raw()
    fingerprint = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()
    assert trusted_fingerprint(f"{path}.pub") == fingerprint
    assert signing_key(tmp_path / "another")[0].private_bytes_raw() != key.private_bytes_raw()


def test_an_openssh_key_signs_too(tmp_path):
    """`ssh-keygen -t ed25519` without a passphrase makes a key that signs."""
    path = tmp_path / "id_ed25519"
    path.touch(0o600)
    path.write_bytes(KEY.private_bytes(PEM, serialization.PrivateFormat.OpenSSH, PLAIN))
    assert signing_key(path)[0].private_bytes_raw() == bytes(range(32))


def test_a_key_that_cannot_sign_is_said(tmp_path):
    """Readable by others, with a passphrase, of another kind, no key, not writable: one sentence each."""

    def said(content: bytes, mode=0o600) -> str:
        path = tmp_path / "key"
        path.unlink(missing_ok=True)
        path.touch()
        path.chmod(mode)
        path.write_bytes(content)
        with pytest.raises(JanginError) as e:
            signing_key(path)
        return str(e.value)

    good = KEY.private_bytes(PEM, PKCS8, PLAIN)
    assert said(good, 0o640) == (
        f"The signing key {tmp_path / 'key'} can be read by others (mode 0640): chmod 600 {tmp_path / 'key'}"
    )
    locked = KEY.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"secret"))
    assert "has a passphrase" in said(locked)
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, PLAIN)
    for content in (curve, b"hello", b"", KEY.public_key().public_bytes(PEM, SPKI)):
        assert "is not an ed25519 private key" in said(content)
    with pytest.raises(JanginError, match="Cannot read the signing key"):
        signing_key(tmp_path)
    with pytest.raises(JanginError, match="Cannot make the signing key"):
        signing_key(tmp_path / "key" / "below-a-file")


# ── bundle.yaml ──────────────────────────────────────────────────────────────────────────────────────────────────


def places(value, at=()):
    """Every place in nested values: paths of keys and indices."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, v in inner:
        yield from places(v, (*at, key))


def at_place(value, at):
    for key in at:
        value = value[key]
    return value


def manifest_refusal(values, dump=yaml.safe_dump) -> str | None:
    """What check_manifest says of these values; None when it takes them."""
    try:
        check_manifest(dump(values).encode(), WHERE)
    except Refused as e:
        return str(e)
    return None


FREE = {("identity", "robot"), ("limits",)}  # maps whose keys are names the task chose
OPTIONAL = {("files", n) for n in ("report.html", "evidence/search.parquet", "evidence/junit.xml")}


def variants(manifest):
    """Every manifest with one key more, one key less, or one value of another kind: (what, place, values)."""
    for at in places(manifest):
        value = at_place(manifest, at)
        if isinstance(value, dict) and at not in FREE:
            changed = copy.deepcopy(manifest)
            at_place(changed, at)["surprise"] = "x"
            yield "more", at, changed
        if at and isinstance(at[-1], str) and at[:-1] not in FREE and at not in OPTIONAL:
            changed = copy.deepcopy(manifest)
            del at_place(changed, at[:-1])[at[-1]]
            yield "less", at, changed
        if at:
            changed = copy.deepcopy(manifest)
            at_place(changed, at[:-1])[at[-1]] = True
            yield "kind", at, changed


def test_an_unknown_or_missing_key_or_a_wrong_kind_is_refused_everywhere(manifest):
    """At every place of a manifest, one key more, one less, or a boolean (which no value is) is refused by name."""
    assert manifest_refusal(manifest) is None
    seen = 0
    for what, at, changed in variants(manifest):
        text = manifest_refusal(changed)
        assert text is not None, (what, at)
        assert {"more": "unknown key 'surprise'", "less": f"lacks the key {at[-1] if at else ''!r}", "kind": "True"}[
            what
        ] in text
        seen += 1
    assert seen > 200


def test_jsonschema_agrees(manifest):
    """Twin: the package `jsonschema`, reading the published bundle.schema.json, refuses the same manifests."""
    jsonschema = pytest.importorskip("jsonschema", reason="the package jsonschema is not installed")
    schema = json.loads(Path(bundle.__file__).with_name("bundle.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(manifest)
    for what, at, changed in variants(manifest):
        assert not validator.is_valid(changed), (what, at)


@pytest.mark.parametrize(
    ("at", "value", "said"),
    [
        (("schema",), "jangin-bundle/2", "schema is 'jangin-bundle/2' where 'jangin-bundle/1' belongs"),
        (("identity", "task_sha256"), "abc", "identity.task_sha256 is 'abc', which does not have the form"),
        (("identity", "task_sha256"), "0" * 64 + "\n", "which does not have the form"),
        (("identity", "created"), "yesterday", "identity.created is 'yesterday'"),
        (("timing", "rate_hz"), 0, "timing.rate_hz is 0, which is too small or no number"),
        (("timing", "rate_hz"), float("nan"), "timing.rate_hz is nan"),
        (("timing", "rate_hz"), float("inf"), "timing.rate_hz is inf where a number belongs"),
        (("timing", "rate_hz"), "20", "timing.rate_hz is '20' where a number belongs"),
        (("io", "inputs"), [], "io.inputs has 0 entries"),
        (("io", "inputs", 0, "dtype"), "float64", "io.inputs[0].dtype is 'float64' where 'float32' belongs"),
        (("io", "inputs", 0, "channels", 1, "range"), [0.0], "io.inputs[0].channels[1].range has 1 entries"),
        (
            ("io", "inputs", 0, "channels", 1, "range"),
            ["low", 1.0],
            "channels[1].range[0] is 'low' where a number belongs",
        ),
        (("io", "inputs", 0, "channels", 1, "noise"), -1, "noise is -1, which is too small or no number"),
        (
            ("conditions", 0, "distribution"),
            {"type": "Normal", "low": 0, "high": 1},
            "where one of ['Uniform'",
        ),
        (("verdict", "verdict"), "PERFECT", "where one of ['QUALIFIED'"),
        (("verdict", "claims"), [], "verdict.claims has 0 entries"),
        (("golden", "rows"), 1.5, "golden.rows is 1.5 where an integer belongs"),
        (("files", "policy.onnx", "bytes"), -1, "too small"),
        (("warnings",), [], "warnings has 0 entries"),
    ],
)
def test_a_value_out_of_place_is_named(manifest, at, value, said):
    """The refusal names the place, what came and what belongs there."""
    changed = copy.deepcopy(manifest)
    at_place(changed, at[:-1])[at[-1]] = value
    text = manifest_refusal(changed)
    assert text is not None
    assert said in text


def test_a_mistyped_key_gets_the_nearest_name(manifest):
    """rate_khz is probably rate_hz."""
    changed = copy.deepcopy(manifest)
    changed["timing"]["rate_khz"] = 1.0
    assert "bundle.yaml: timing has the unknown key 'rate_khz' (is it 'rate_hz'?)" in manifest_refusal(changed)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a: &x [1]\nb: *x\n", "an alias is not allowed"),
        (b"schema: 1\nschema: 2\n", "a key comes twice"),
        (b"a: {<<: {b: 1}, b: 2, b: 3}\n", "a key comes twice"),
        (b"a: !!python/object/apply:os.system [echo]\n", "could not determine a constructor for the tag"),
        (b"[" * 100_000, "RecursionError"),
        (b"a: [", "not strict YAML"),
        (b"\xff\xfe\xfa", "not strict YAML"),
        (b"? [1]\n: 2\n", "not strict YAML"),
        (b"a: 2026-99-99\n", "not strict YAML"),
        (b"", "bundle.yaml is None where an object belongs"),
        (b"- 1\n", "bundle.yaml is [1] where an object belongs"),
        (b"1: 2\n", "lacks the key 'schema'"),
    ],
)
def test_yaml_that_is_not_strict_is_refused(text, said):
    """No aliases, no key twice, no tags, no depth without end; and whatever else YAML can be is no manifest."""
    with pytest.raises(Refused) as e:
        check_manifest(text, WHERE)
    assert said in str(e.value)
    assert "\n" not in str(e.value)


def test_a_manifest_that_contradicts_itself_is_refused(data):
    """What is said twice is the same twice, even under a true signature."""

    def said(change):
        return refusal(resigned(data, manifest=change))

    def put(*at, value):
        return lambda m: at_place(m, at[:-1]).__setitem__(at[-1], value)

    assert decode(resigned(data), WHERE).manifest == decode(data, WHERE).manifest
    assert "contradicts itself in identity.policy_sha256" in said(put("identity", "policy_sha256", value="0" * 64))
    assert "contradicts itself in timing.period_ms" in said(put("timing", "period_ms", value=49.0))
    assert "a channel's name comes twice" in said(put("io", "inputs", 0, "channels", 1, "name", value="x"))
    assert "a range is empty" in said(put("io", "outputs", 0, "channels", 1, "range", value=[1.0, -1.0]))
    assert "contradicts itself in golden.tolerance" in said(put("golden", "tolerance", value=[1e-5]))
    assert "contradicts itself in verdict.verdict" in said(put("verdict", "verdict", value="UNDECIDED"))
    assert "bundle.yaml and the file policy.onnx do not agree" in said(put("files", "policy.onnx", "bytes", value=1))
    assert "bundle.yaml and the file task.json do not agree" in said(
        put("files", "task.json", "sha256", value="0" * 64)
    )
    assert "bundle.yaml and the file report.html do not agree" in said(lambda m: m["files"].pop("report.html"))


# ── arrays ───────────────────────────────────────────────────────────────────────────────────────────────────────


def npy(values) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=True)
    return buffer.getvalue()


def test_arrays_come_back_as_they_went():
    """pack, then unpack, is the identity on finite float32."""
    values = np.random.default_rng(3).standard_normal((4, 3)).astype(np.float32)
    np.testing.assert_array_equal(unpack_array(bundle.pack_array(values), (4, 3), "x"), values)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (npy(np.array([[1, 2]], dtype=object)), "not a plain array file"),
        (pickle.dumps([1.0, 2.0]), "not a plain array file"),
        (b"", "not a plain array file"),
        (npy(np.zeros((1, 2), np.float32))[:-1], "not a plain array file"),
        (npy(np.zeros((1, 2), np.float64)), "not 1 x 2 float32 numbers"),
        (npy(np.zeros((2, 1), np.float32)), "not 1 x 2 float32 numbers"),
        (npy(np.array([[0, np.nan]], np.float32)), "not finite"),
    ],
)
def test_an_array_that_is_not_plain_is_refused(content, said):
    """Nothing is ever unpickled, and shape, kind and finiteness are what they were said to be."""
    with pytest.raises(Refused, match=said):
        unpack_array(content, (1, 2), "x")
