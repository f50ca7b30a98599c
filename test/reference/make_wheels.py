"""Small wheels, and a Python index of them: FOLDER/simple/NAME/index.html and FOLDER/files/*.whl.

Usage: make_wheels.py FOLDER FILE=LIBRARY[,LIBRARY ...] ...
Each library is a file of pseudo-random bytes that nothing compresses, so that a download has a middle. Prints the list of
wheels as JSON: package, version, file, sha256, bytes.
"""

import hashlib
import json
import random
import sys
import zipfile
from pathlib import Path

root = Path(sys.argv[1])
files = root / "files"
files.mkdir(parents=True)
wheels = []
for argument in sys.argv[2:]:
    file, libraries = argument.split("=")
    name, version, *tags = file.removesuffix(".whl").split("-")
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with zipfile.ZipFile(files / file, "w") as wheel:
        for library in libraries.split(","):
            wheel.writestr(library, random.Random(library).randbytes(300_000))
        wheel.writestr(f"{name}/readme.txt", "no library")
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {'-'.join(tags)}\n")
        wheel.writestr(f"{info}/RECORD", "")
    content = (files / file).read_bytes()
    package = name.replace("_", "-")
    page = root / "simple" / package
    page.mkdir(parents=True)
    digest = hashlib.sha256(content).hexdigest()
    link = f'<a href="/files/{file}#sha256={digest}">{file}</a>'
    (page / "index.html").write_text(f"<!DOCTYPE html><html><body>{link}</body></html>")
    (page / "index.json").write_text(json.dumps({"files": [{"filename": file, "url": f"../../files/{file}"}]}))
    wheels.append({"package": package, "version": version, "file": file, "sha256": digest, "bytes": len(content)})
print(json.dumps(wheels))
