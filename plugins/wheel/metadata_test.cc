#include "plugins/wheel/metadata.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {
namespace {

using testing::ElementsAre;

TEST(MetadataTest, ReadsHeadersUpToTheText) {
  const auto metadata = ParseMetadata("M",
                                      "Metadata-Version: 2.4\r\n"
                                      "name: Demo.Pkg\r\n"
                                      "Version: 1.0\n"
                                      "License: MIT\n"
                                      "        and more lines\n"
                                      "License-Expression: MIT OR Apache-2.0\n"
                                      "License-File: LICENSE\n"
                                      "Requires-Python: >=3.9\n"
                                      "Requires-Dist: a>=1\n"
                                      "Requires-Dist: b; extra == \"x\"\n"
                                      "\n"
                                      "Name: not a header\n");
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->name, "Demo.Pkg");
  EXPECT_EQ(metadata->version, "1.0");
  EXPECT_EQ(metadata->license, "MIT OR Apache-2.0");
  EXPECT_EQ(metadata->requires_python, ">=3.9");
  EXPECT_THAT(metadata->requires_dist, ElementsAre("a>=1", "b; extra == \"x\""));
  EXPECT_THAT(metadata->license_files, ElementsAre("LICENSE"));
}

TEST(MetadataTest, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(ParseMetadata("M", "Name: d\nVersion: 1\nLicense: \xff\n")->license, "?");
}

TEST(MetadataTest, Refuses) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"Version: 1\n", "wheel METADATA: M: got no line 'Name:', expected one"},
      {"Name: a\n\nVersion: 1\n", "wheel METADATA: M: got no line 'Version:', expected one"},
      {"Name: a\nName: b\nVersion: 1\n",
       "wheel METADATA: M line 2: got a second Name, expected one"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ParseMetadata("M", c.text).status().message(), c.message);
  }
}

TEST(EntryPointsTest, Reads) {
  const auto read = ParseEntryPoints("E",
                                     "# comment\n"
                                     "[console_scripts]\n"
                                     "demo = demo.cli:main [extra]\n"
                                     "; comment\n"
                                     "[some.plugins]\n"
                                     "../any thing = whatever\n");
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), 2);
  EXPECT_TRUE(IsProgram((*read)[0]));
  EXPECT_FALSE(IsProgram((*read)[1]));
  EXPECT_EQ((*read)[1].name(), "../any thing");
}

TEST(EntryPointsTest, Refuses) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"a = b:c\n", "wheel entry point: E line 1: got 'a = b:c', expected a [group] before it"},
      {"[g\n", "wheel entry point: E line 1: got '[g', expected [group]"},
      {"[g]\na\n", "wheel entry point: E line 2: got 'a', expected name = module:attribute"},
      {"[g]\na = b\na = c\n",
       "wheel entry point: E line 3: got name 'a', expected every name once in [g]"},
      {"[console_scripts]\n../../x = a:b\n",
       "wheel entry point: E line 2: got name '../../x', expected the name of a file, without a "
       "directory"},
      {"[gui_scripts]\na/b = a:b\n",
       "wheel entry point: E line 2: got name 'a/b', expected the name of a file, without a "
       "directory"},
      {"[console_scripts]\nnul = a:b\n",
       "wheel entry point: E line 2: got name 'nul', expected the name of a file, without a "
       "directory"},
      {"[console_scripts]\nx = a\n",
       "wheel entry point: E line 2: got 'a', expected module:attribute"},
      {"[console_scripts]\nx = a:b;import os\n",
       "wheel entry point: E line 2: got 'a:b;import os', expected module:attribute"},
      {"[console_scripts]\nx = a.:b\n",
       "wheel entry point: E line 2: got 'a.:b', expected module:attribute"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ParseEntryPoints("E", c.text).status().message(), c.message);
  }
}

TEST(LauncherTest, Text) {
  sdk::EntryPoint entry_point;
  entry_point.set_object("demo.cli:App.run [extra]");
  EXPECT_EQ(LauncherText(entry_point, "/usr/bin/env python3"),
            "#!/usr/bin/env python3\n"
            "import sys\n"
            "\n"
            "from demo.cli import App\n"
            "\n"
            "if __name__ == \"__main__\":\n"
            "    sys.exit(App.run())\n");
}

}  // namespace
}  // namespace rules_inference::wheel
