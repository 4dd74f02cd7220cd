#include "plugins/base/rel_path.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/utf8.h"

namespace rules_inference::base {
namespace {

struct Case {
  std::string text;
  std::string message;  // Empty: accepted.
};

TEST(RelPathTest, AcceptsAndRefuses) {
  const std::string nul("a\0b", 3);
  const Case cases[] = {
      {"a", ""},
      {"usr/lib/python3.11/site-packages", ""},
      {"...", ""},
      {"a b/..c", ""},
      {"C:/x", ""},
      {"na\xc3\xafve", ""},
      {std::string(255, 'a'), ""},
      {"", "path: '': got an empty path, expected a relative path"},
      {"/etc", "path: '/etc': got an absolute path, expected a relative path"},
      {"a//b", "path: 'a//b': got an empty component, expected one '/' between components"},
      {"a/", "path: 'a/': got an empty component, expected one '/' between components"},
      {".", "path: '.': got component '.', expected no '.' and no '..'"},
      {"a/../b", "path: 'a/../b': got component '..', expected no '.' and no '..'"},
      {"..", "path: '..': got component '..', expected no '.' and no '..'"},
      {"a\\b", "path: 'a\\\\b' at byte 1: got a backslash, expected '/' between components"},
      {nul, "path: 'a\\000b' at byte 1: got control character 0, expected printable characters"},
      {"a\nb", "path: 'a\\nb' at byte 1: got control character 10, expected printable characters"},
      {"\x7f", "path: '\\177' at byte 0: got control character 127, expected printable characters"},
      {"\xc2\x85",
       "path: '\xc2\x85' at byte 0: got control character 133, expected printable characters"},
      {"a\xff", "path: 'a\xff' at byte 1: got a byte that is not UTF-8, expected valid UTF-8"},
      {"a\xc0\xaf",
       "path: 'a\xc0\xaf' at byte 1: got a byte that is not UTF-8, expected valid UTF-8"},
      {"\xed\xa0\x80",
       "path: '\xed\xa0\x80' at byte 0: got a byte that is not UTF-8, expected valid UTF-8"},
      {std::string(256, 'a'), "path: '" + std::string(200, 'a') +
                                  "'...: got a component of 256 bytes, expected at most 255"},
      {std::string(4097, 'a'),
       "path: '" + std::string(200, 'a') + "'...: got 4097 bytes, expected at most 4096"},
  };
  for (const Case& c : cases) {
    const auto path = RelPath::Parse(c.text);
    EXPECT_EQ(path.status().message(), c.message);
    if (path.ok()) {
      EXPECT_EQ(path->str(), c.text);
    }
  }
}

TEST(RelPathTest, Parts) {
  const RelPath path = RelPath::Parse("a/b/c").value();
  EXPECT_EQ(path.Basename(), "c");
  EXPECT_EQ(path.Dirname(), "a/b");
  EXPECT_EQ(RelPath::Parse("a").value().Basename(), "a");
  EXPECT_EQ(RelPath::Parse("a").value().Dirname(), "");
  EXPECT_EQ(RelPath::Parse("x").value().Join(path).value().str(), "x/a/b/c");
}

TEST(EntryNameTest, AcceptsAndRefuses) {
  const Case cases[] = {
      {"numpy/core/_multiarray.so", ""},
      {"dir/", ""},
      {"a.b", ""},
      {".hidden", ""},
      {"console/com10", ""},
      {"c:x", "path: 'c:x': got a drive letter, expected a relative path"},
      {"/", "path: '/': got an absolute path, expected a relative path"},
      {"a//", "path: 'a/': got an empty component, expected one '/' between components"},
      {"a./b",
       "path: 'a./b': got component 'a.', expected no dot and no space at the end of a component"},
      {"a/b ",
       "path: 'a/b ': got component 'b ', expected no dot and no space at the end of a component"},
      {"x/NUL", "path: 'x/NUL': got component 'NUL', expected no reserved device name"},
      {"x/aux.py", "path: 'x/aux.py': got component 'aux.py', expected no reserved device name"},
      {"com1.tar.gz",
       "path: 'com1.tar.gz': got component 'com1.tar.gz', expected no reserved device name"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(EntryName::Parse(c.text).status().message(), c.message);
  }
  EXPECT_TRUE(EntryName::Parse("dir/").value().is_directory());
  EXPECT_EQ(EntryName::Parse("dir/").value().path().str(), "dir");
  EXPECT_FALSE(EntryName::Parse("file").value().is_directory());
}

TEST(CollisionKeyTest, SameNamesOnSomeFileSystem) {
  const absl::string_view same[][2] = {
      {"README", "readme"},
      {"caf\xc3\xa9", "cafe\xcc\x81"},  // composed and decomposed e-acute
      {"CAF\xc3\x89", "cafe\xcc\x81"},  // capital E-acute
      {"stra\xc3\x9f"
       "e",
       "STRASSE"},                            // sharp s
      {"\xef\xac\x81le", "file"},             // fi ligature
      {"\xe2\x84\xaa", "k"},                  // Kelvin sign
      {"\xd0\x96", "\xd0\xb6"},               // Cyrillic zhe
      {"\xce\xa3", "\xcf\x82"},               // capital sigma, final sigma
      {"\xe1\xbb\x87", "e\xcc\xa3\xcc\x82"},  // e with circumflex and dot below
  };
  for (const auto& [a, b] : same) EXPECT_EQ(CollisionKey(a), CollisionKey(b)) << a << " " << b;
  EXPECT_NE(CollisionKey("a"), CollisionKey("b"));
  EXPECT_NE(CollisionKey("\xe4\xb8\xad"), CollisionKey("\xe5\x9b\xbd"));
}

TEST(Utf8Test, RoundTripAtTheBorders) {
  for (const uint32_t c :
       {0x0u, 0x7Fu, 0x80u, 0x7FFu, 0x800u, 0xD7FFu, 0xE000u, 0xFFFFu, 0x10000u, 0x10FFFFu}) {
    std::string text;
    AppendUtf8(c, text);
    absl::string_view rest = text;
    uint32_t back = 1;
    EXPECT_TRUE(ConsumeUtf8(rest, back)) << c;
    EXPECT_EQ(back, c);
    EXPECT_TRUE(rest.empty());
    for (size_t cut = 1; cut < text.size(); ++cut) {
      EXPECT_FALSE(IsValidUtf8(absl::string_view(text).substr(0, cut))) << c;
    }
  }
  for (const absl::string_view bad : {"\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
}

}  // namespace
}  // namespace rules_inference::base
