"""What the reference implementation of OpenSSF model signing makes and says, for many cases in one process.

make FOLDER            writes keys, certificates and models signed with them below FOLDER, and cases.json about them
verify FOLDER          reads cases.json, prints a JSON array of null or what is wrong
"""

import datetime
import json
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from model_signing import hashing, signing, verifying

now = datetime.datetime.now(datetime.timezone.utc)
day = datetime.timedelta(days=1)
files = {
    "config.json": b'{"hidden": 8}',
    "weights/part-1.safetensors": b"\1" * 5000,
    "weights/empty.bin": b"",
    "README.md": b"# Signed by the real thing\n",
    "name with spaces \xc3\xa9.txt".encode("latin1").decode("utf8"): b"x",
}


def write_key(path, key):
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    path.with_suffix(".pub").write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def certificate(name, key, issuer=None, issuer_key=None, *, ca=False, path_length=None, usage=True, code=True,
                frm=-10, to=300, digest=hashes.SHA256(), extra=()):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + frm * day)
        .not_valid_after(now + to * day)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), critical=True)
    )
    if usage:
        builder = builder.add_extension(
            x509.KeyUsage(
                digital_signature=not ca, content_commitment=False, key_encipherment=False, data_encipherment=False,
                key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
    if code and not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key or key, digest)


def pem(path, *certificates):
    path.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates))


def model(folder):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def make(root):
    cases = []
    for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()):
        key = ec.generate_private_key(curve)
        write_key(root / f"{curve.name}.pem", key)
        for how in ("files", "shards", "blake2", "blake3"):
            if how != "files" and curve.name != "secp256r1":
                continue
            name = f"{curve.name}-{how}"
            folder = root / name
            model(folder)
            config = hashing.Config()
            if how == "shards":
                config = config.use_shard_serialization(shard_size=1000)
            elif how != "files":
                config = config.use_file_serialization(hashing_algorithm=how)
            signing.Config().use_elliptic_key_signer(private_key=root / f"{curve.name}.pem").set_hashing_config(
                config.set_ignored_paths(paths=["model.sig"])
            ).sign(folder, folder / "model.sig")
            cases.append({"name": name, "key": f"{curve.name}.pub", "how": how})
    for name, chain in certificates().items():
        folder = root / f"certificate-{name}"
        model(folder)
        leaf, key, between, anchor = chain
        write_key(root / "leaf.pem", key)
        pem(root / "leaf.crt", leaf)
        # It wants at least one.
        pem(root / "between.crt", *(between or [anchor]))
        pem(root / f"certificate-{name}.crt", anchor)
        signing.Config().use_certificate_signer(
            private_key=root / "leaf.pem",
            signing_certificate=root / "leaf.crt",
            certificate_chain=[root / "between.crt"],
        ).set_hashing_config(hashing.Config().set_ignored_paths(paths=["model.sig"])).sign(folder, folder / "model.sig")
        cases.append({"name": f"certificate-{name}", "certificate": f"certificate-{name}.crt"})
    (root / "cases.json").write_text(json.dumps(cases))


def certificates():
    p256 = lambda: ec.generate_private_key(ec.SECP256R1())
    root_key, mid_key, low_key, key = p256(), p256(), p256(), ec.generate_private_key(ec.SECP384R1())
    rsa_key = rsa.generate_private_key(65537, 2048)
    root = certificate("Root", root_key, ca=True, frm=-400, to=3000)
    other = certificate("Other root", p256(), ca=True, to=3000)
    same_name = certificate("Root", p256(), ca=True, to=3000)
    mid = certificate("Middle", mid_key, root, root_key, ca=True, path_length=0)
    low = certificate("Low", low_key, mid, mid_key, ca=True)
    rsa_root = certificate("RSA root", rsa_key, ca=True, to=3000)
    no_ca = certificate("No authority", mid_key, root, root_key, ca=False)
    late_mid = certificate("Ended", mid_key, root, root_key, ca=True, frm=-300, to=-200)
    signer = lambda by=root, by_key=root_key, **more: certificate("signer@example.com", key, by, by_key, **more)
    alone = certificate("alone", key)
    unknown = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00"), True)
    return {
        "good": (signer(), key, [], root),
        "root-in-bundle": (signer(), key, [root], root),
        "middle": (signer(mid, mid_key), key, [mid, root], root),
        "rsa-root": (signer(rsa_root, rsa_key), key, [], rsa_root),
        "alone": (alone, key, [], alone),
        "only-code-signing": (signer(usage=False), key, [], root),
        "only-key-usage": (signer(code=False), key, [], root),
        "wrong-root": (signer(), key, [root], other),
        "same-name": (signer(), key, [], same_name),
        "middle-missing": (signer(mid, mid_key), key, [], root),
        "no-usage": (signer(usage=False, code=False), key, [], root),
        "no-authority": (signer(no_ca, mid_key), key, [no_ca], root),
        "path-length": (signer(low, low_key), key, [low, mid], root),
        "ended-middle": (signer(late_mid, mid_key), key, [late_mid], root),
        "unknown-critical": (signer(extra=[unknown]), key, [], root),
        "ended": (signer(frm=-20, to=-5), key, [], root),
        "not-yet": (signer(frm=5, to=20), key, [], root),
    }


def verify(root):
    said = []
    for case in json.loads((root / "cases.json").read_text()):
        folder = root / case["name"]
        config = verifying.Config()
        try:
            if "key" in case:
                config = config.use_elliptic_key_verifier(public_key=root / case["key"])
            else:
                config = config.use_certificate_verifier(certificate_chain=[root / case["certificate"]])
            if case.get("how") == "shards":
                # It writes the size of a shard as a float and then cannot read it back by itself.
                config = config.set_hashing_config(
                    hashing.Config().use_shard_serialization(shard_size=1000).set_ignored_paths(paths=["model.sig"])
                )
            elif case.get("how") == "blake2":
                # It writes blake2b and then does not know it by that name.
                config = config.set_hashing_config(
                    hashing.Config()
                    .use_file_serialization(hashing_algorithm="blake2")
                    .set_ignored_paths(paths=["model.sig"])
                )
            config.verify(folder, folder / "model.sig")
            said.append(None)
        except Exception as error:
            said.append(f"{type(error).__name__}: {error}"[:300])
    print(json.dumps(said))


if __name__ == "__main__":
    {"make": make, "verify": verify}[sys.argv[1]](pathlib.Path(sys.argv[2]))
