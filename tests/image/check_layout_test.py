"""The checker finds what is wrong: a checker that accepts everything proves nothing."""

import contextlib
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
import tempfile
import unittest

import check_layout


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layout:
    """A layout of one image with one gzip layer of two members."""

    def __init__(self, root):
        self.root = root
        os.makedirs(os.path.join(root, "blobs/sha256"))
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w") as tar:
            info = tarfile.TarInfo("a.txt")
            info.size = 3
            tar.addfile(info, io.BytesIO(b"abc"))
        self.tar = plain.getvalue()
        self.layer = gzip.compress(self.tar[:512], mtime=0) + gzip.compress(self.tar[512:], mtime=0)
        self.config = {"rootfs": {"type": "layers", "diff_ids": [sha(self.tar)]}, "history": [{"created": "x"}]}
        self.write()

    def blob(self, data, media_type):
        with open(os.path.join(self.root, check_layout.blob_path(sha(data))), "wb") as file:
            file.write(data)
        return {"mediaType": media_type, "digest": sha(data), "size": len(data)}

    def document(self, value, media_type):
        return self.blob(json.dumps(value).encode(), media_type)

    def write(self, **index):
        self.layer_path = os.path.join(self.root, check_layout.blob_path(sha(self.layer)))
        manifest = {
            "schemaVersion": 2,
            "mediaType": check_layout.MANIFEST,
            "config": self.document(self.config, check_layout.CONFIG),
            "layers": [self.blob(self.layer, check_layout.LAYER + "+gzip")],
        }
        manifests = [self.document(manifest, check_layout.MANIFEST)]
        index = {"schemaVersion": 2, "mediaType": check_layout.INDEX, "manifests": manifests} | index
        for name, value in [("index.json", index), ("oci-layout", {"imageLayoutVersion": "1.0.0"})]:
            with open(os.path.join(self.root, name), "w", encoding="utf-8") as file:
                json.dump(value, file)


class CheckLayoutTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.layout = Layout(os.path.join(self.directory.name, "layout"))

    def run_checker(self, *flags):
        out, err = io.StringIO(), io.StringIO()
        sys.argv = ["check_layout.py", self.layout.root, *flags]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = check_layout.main()
        return code, out.getvalue(), err.getvalue().replace(self.layout.root, "LAYOUT")

    def assert_wrong(self, part):
        code, _, err = self.run_checker()
        self.assertEqual(code, 1)
        self.assertIn(part, err)

    def test_good(self):
        code, out, err = self.run_checker("--list", "--expect-layers", "1")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(
            json.loads(out),
            {
                "layer": 0, "name": "a.txt", "type": "file", "mode": "0644", "owner": "0:0", "mtime": 0, "size": 3,
                "sha256": hashlib.sha256(b"abc").hexdigest(),
            },
        )

    def test_changed_layer(self):
        with open(self.layout.layer_path, "r+b") as file:
            file.seek(4)  # The time in the gzip header: the content stays the same.
            file.write(b"\1")
        self.assert_wrong("digest: got sha256:")

    def test_wrong_diff_id(self):
        self.layout.config["rootfs"]["diff_ids"] = [sha(b"other")]
        self.layout.write()
        self.assert_wrong("diff_id: got " + sha(self.layout.tar))

    def test_history_without_created(self):
        self.layout.config["history"] = [{}]
        self.layout.write()
        self.assert_wrong("history entries without created: got 1, expected 0")

    def test_forgotten_blob(self):
        self.layout.blob(b"left over", "x")
        self.assert_wrong("files that nothing names: got ['blobs/sha256/")

    def test_missing_blob(self):
        os.remove(self.layout.layer_path)
        self.assert_wrong("FileNotFoundError")

    def test_wrong_size(self):
        self.layout.write(manifests=[{"mediaType": check_layout.MANIFEST, "digest": sha(b""), "size": 1}])
        self.layout.blob(b"", "x")
        self.assert_wrong("size: got 0, expected 1")

    def test_truncated_layer(self):
        self.layout.layer = self.layout.layer[:-9]
        self.layout.write()
        self.assert_wrong("EOFError")

    def test_golden(self):
        golden = os.path.join(self.directory.name, "golden")
        with open(golden, "w", encoding="utf-8") as file:
            file.write('{"layer": 0}\n')
        code, _, err = self.run_checker("--golden", golden)
        self.assertEqual(code, 1)
        self.assertIn('-{"layer": 0}', err)

    def test_number_of_layers(self):
        code, _, err = self.run_checker("--expect-layers", "2")
        self.assertEqual((code, err), (1, "error: LAYOUT: layers: got 1, expected 2\n"))


if __name__ == "__main__":
    unittest.main()
