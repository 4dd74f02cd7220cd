"""A wheel_tree in the deps of rules_python's rules: the package is on the import path, with its metadata."""

import importlib.metadata
import pathlib
import unittest

import demo


class DemoTreeTest(unittest.TestCase):
    def test_is_imported_from_the_tree(self):
        self.assertEqual(pathlib.Path(demo.__file__).parts[-3:], ("demo_tree", "demo", "__init__.py"))

    def test_has_its_metadata(self):
        distribution = importlib.metadata.distribution("demo")
        self.assertEqual(distribution.version, "1.0")
        self.assertEqual(distribution.read_text("INSTALLER"), "rules_inference\n")
        self.assertTrue(all(file.locate().exists() for file in distribution.files))


if __name__ == "__main__":
    unittest.main()
