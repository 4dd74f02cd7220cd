#include "plugins/base/archive/unpack.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "plugins/base/archive/test_zip.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "zlib.h"
#include "zstd.h"

namespace rules_inference::base {
namespace {

// One entry of a tar file, and how its header is spoilt.
struct Entry {
  std::string name;
  std::string data;
  char type = '0';
  std::string link;
  int mode = 0644;
  std::function<void(std::string&)> change = nullptr;
};

std::string TarEntry(const Entry& entry) {
  std::string block(512, '\0');
  const auto put = [&](size_t at, const std::string& text) {
    block.replace(at, text.size(), text);
  };
  char number[32];
  put(0, entry.name.substr(0, 100));
  std::snprintf(number, sizeof(number), "%07o", static_cast<unsigned>(entry.mode));
  put(100, number);
  std::snprintf(number, sizeof(number), "%011o", static_cast<unsigned>(entry.data.size()));
  put(124, number);
  put(136, "00000000000");
  block[156] = entry.type;
  put(157, entry.link);
  put(257, std::string("ustar\0"
                       "00",
                       8));
  if (entry.change) entry.change(block);
  put(148, "        ");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<uint8_t>(c);
  std::snprintf(number, sizeof(number), "%06o", sum);
  put(148, std::string(number, 7));
  std::string out = block + entry.data;
  out.resize((out.size() + 511) / 512 * 512);
  return out;
}

std::string Tar(const std::vector<Entry>& entries) {
  std::string out;
  for (const Entry& entry : entries) out += TarEntry(entry);
  return out + std::string(1024, '\0');
}

std::string Pax(absl::string_view key, absl::string_view value) {
  const size_t rest = key.size() + value.size() + 3;
  size_t size = rest + 1;
  while (std::to_string(size).size() + rest != size) ++size;
  return absl::StrCat(size, " ", key, "=", value, "\n");
}

std::string Gzip(const std::string& data) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, data.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(const std::string& data) {
  std::string out(ZSTD_compressBound(data.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), data.data(), data.size(), 3));
  return out;
}

// tar -cf - x | xz, where x holds "hello\n": there is no encoder here.
std::string XzOfTar() {
  static constexpr unsigned char kBytes[] = {
      0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21,
      0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0xe0, 0x09, 0xff, 0x00, 0x41, 0x5d,
      0x00, 0x3c, 0x00, 0x33, 0x50, 0x18, 0x68, 0x89, 0x83, 0x01, 0xdc, 0xe2, 0x6e, 0x47, 0x67,
      0x50, 0x26, 0xda, 0x31, 0x88, 0xce, 0x41, 0x96, 0xf0, 0x53, 0x47, 0x24, 0x39, 0xb2, 0x8b,
      0x19, 0x47, 0x0c, 0xce, 0x0a, 0xe8, 0xd7, 0xe3, 0x07, 0xd1, 0x80, 0x35, 0x00, 0xde, 0x50,
      0xf0, 0xbb, 0x8c, 0xaa, 0xd4, 0xbc, 0x27, 0xf8, 0x40, 0x3c, 0xa0, 0x37, 0x2b, 0xb7, 0xd1,
      0xa6, 0xa5, 0x23, 0x65, 0xeb, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf4, 0xe1, 0xba, 0xeb, 0x0f,
      0xff, 0x93, 0x35, 0x00, 0x01, 0x5d, 0x80, 0x14, 0x00, 0x00, 0x00, 0xae, 0xbf, 0xd8, 0x1d,
      0xb1, 0xc4, 0x67, 0xfb, 0x02, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a};
  return {reinterpret_cast<const char*>(kBytes), sizeof(kBytes)};
}

class UnpackTest : public testing::Test {
 protected:
  UnpackTest() {
    static int count = 0;
    root_ = absl::StrCat(testing::TempDir(), "/unpack", ++count);
    fs_.RemoveTree(root_).IgnoreError();
    EXPECT_TRUE(fs_.CreateDirectories(root_).ok());
  }

  std::string Path(absl::string_view name) const { return absl::StrCat(root_, "/", name); }

  UnpackOptions Options(const std::string& bytes, const std::string& format) {
    EXPECT_TRUE(WriteFile(fs_, Path("archive"), bytes).ok());
    UnpackOptions options;
    options.sources = {Path("archive")};
    options.size = bytes.size();
    options.sha256 = Sha256::Of(bytes);
    options.format = format;
    options.output_dir = Path("out");
    return options;
  }

  // The message, without the folder of the test; what failed has left nothing.
  std::string Message(const UnpackOptions& options) {
    const absl::Status status = Unpack(options, fs_);
    if (!status.ok()) {
      EXPECT_FALSE(fs_.Stat(Path("out"), Follow::kNo).ok());
    }
    return absl::StrReplaceAll(status.message(), {{absl::StrCat(root_, "/"), ""}});
  }
  std::string TarMessage(const std::vector<Entry>& entries) {
    return Message(Options(Tar(entries), "tar"));
  }

  // "path type-and-mode content" of everything in the output, sorted.
  std::vector<std::string> Tree(const std::string& below = "") {
    std::vector<std::string> lines;
    const std::string base = Path(absl::StrCat("out", below.empty() ? "" : "/", below));
    for (const std::string& name : fs_.List(base).value_or(std::vector<std::string>())) {
      const std::string path = JoinPath(below, name);
      struct stat st = {};
      lstat(absl::StrCat(base, "/", name).c_str(), &st);
      if (S_ISDIR(st.st_mode)) {
        lines.push_back(absl::StrCat(path, "/"));
        for (std::string& line : Tree(path)) lines.push_back(std::move(line));
      } else if (S_ISLNK(st.st_mode)) {
        lines.push_back(absl::StrCat(path, " -> ", fs_.ReadLink(Path("out/" + path)).value_or("")));
      } else {
        lines.push_back(
            absl::StrCat(path,
                         (st.st_mode & 0777) == 0755   ? "* "
                         : (st.st_mode & 0777) == 0644 ? " "
                                                       : "? ",
                         ReadFile(fs_, Path("out/" + path), uint64_t{1} << 20).value_or("")));
      }
    }
    return lines;
  }

  RealFileSystem fs_;
  std::string root_;
};

const std::vector<Entry>& Normal() {
  static const auto& entries = *new std::vector<Entry>{
      {"./", "", '5'},
      {"./top/", "", '5'},
      {"./top/bin/run", "#!", '0', "", 0755},
      {"./top/lib/a.so.1", "elf"},
      {"./top/lib/a.so", "", '2', "a.so.1"},
      {"./top/bin/lib", "", '2', "../lib"},
      {"./top/bin/again", "", '1', "./top/bin/run"},
      {"./top/empty", ""},
  };
  return entries;
}

const std::vector<std::string>& NormalTree() {
  static const auto& tree = *new std::vector<std::string>{
      "bin/",   "bin/again* #!", "bin/lib -> ../lib",  "bin/run* #!",
      "empty ", "lib/",          "lib/a.so -> a.so.1", "lib/a.so.1 elf"};
  return tree;
}

TEST_F(UnpackTest, TarOfEveryCompression) {
  for (const auto& [format, bytes] : std::vector<std::pair<std::string, std::string>>{
           {"tar", Tar(Normal())},
           {"tar.gz", Gzip(Tar(Normal()))},
           {"tar.gz", Gzip(Tar(Normal()).substr(0, 700)) + Gzip(Tar(Normal()).substr(700))},
           {"tar.zst", Zstd(Tar(Normal()))},
           {"tar.zst", Zstd(Tar(Normal()).substr(0, 700)) + Zstd(Tar(Normal()).substr(700))}}) {
    UnpackOptions options = Options(bytes, format);
    options.strip_prefix = "top";
    ASSERT_EQ(Message(options), "") << format;
    EXPECT_EQ(Tree(), NormalTree()) << format;
    ASSERT_TRUE(fs_.RemoveTree(Path("out")).ok());
  }
}

TEST_F(UnpackTest, TarXz) {
  ASSERT_EQ(Message(Options(XzOfTar(), "tar.xz")), "");
  EXPECT_EQ(Tree(), std::vector<std::string>{"x hello\n"});
}

TEST_F(UnpackTest, Zip) {
  const std::string bytes = BuildZip({.entries = {
                                          {.name = "top/bin/run", .data = "#!", .mode = 0100755},
                                          {.name = "top/data", .data = std::string(1000, 'a')},
                                          {.name = "top/stored", .data = "s", .deflate = false},
                                      }});
  UnpackOptions options = Options(bytes, "zip");
  options.strip_prefix = "top";
  ASSERT_EQ(Message(options), "");
  EXPECT_EQ(Tree(), (std::vector<std::string>{"bin/", "bin/run* #!",
                                              "data " + std::string(1000, 'a'), "stored s"}));
}

TEST_F(UnpackTest, AFileIsNotUnpacked) {
  UnpackOptions options = Options("weights", "file");
  options.file_name = "model.bin";
  ASSERT_EQ(Message(options), "");
  EXPECT_EQ(Tree(), std::vector<std::string>{"model.bin weights"});
}

TEST_F(UnpackTest, PartsInTheirOrder) {
  const std::string bytes = Gzip(Tar(Normal()));
  UnpackOptions options = Options(bytes, "tar.gz");
  ASSERT_TRUE(WriteFile(fs_, Path("part0"), bytes.substr(0, 50)).ok());
  ASSERT_TRUE(WriteFile(fs_, Path("part1"), bytes.substr(50)).ok());
  options.strip_prefix = "top";
  options.sources = {Path("part0"), Path("part1")};
  ASSERT_EQ(Message(options), "");
  EXPECT_EQ(Tree(), NormalTree());
  ASSERT_TRUE(fs_.RemoveTree(Path("out")).ok());
  options.sources = {Path("part1"), Path("part0")};
  EXPECT_THAT(Message(options), testing::StartsWith("hash mismatch: part1: got sha256:"));
}

TEST_F(UnpackTest, LongNames) {
  const std::string name = absl::StrCat("d/", std::string(150, 'n'));
  const std::string records = Pax("path", name) + Pax("mtime", "1.5");
  EXPECT_EQ(TarMessage({{"PaxHeader", records, 'x'}, {"short", "1"}}), "");
  EXPECT_EQ(Tree(), (std::vector<std::string>{"d/", name + " 1"}));
  ASSERT_TRUE(fs_.RemoveTree(Path("out")).ok());
  EXPECT_EQ(TarMessage({{"././@LongLink", name + std::string(1, '\0'), 'L'}, {"short", "2"}}), "");
  EXPECT_EQ(Tree(), (std::vector<std::string>{"d/", name + " 2"}));
}

TEST_F(UnpackTest, WrongBytesAreSaidFirst) {
  UnpackOptions options = Options(Gzip(Tar(Normal())), "tar.gz");
  options.sha256 = Sha256::Of("something else");
  EXPECT_EQ(Message(options),
            absl::StrCat("hash mismatch: archive: got ", Sha256::Of(Gzip(Tar(Normal()))).ToString(),
                         ", expected ", options.sha256.ToString(), " as specified"));
  options = Options("<!DOCTYPE html>", "tar.gz");
  options.size = 7;
  EXPECT_EQ(Message(options), "size mismatch: archive: got 15 bytes, expected 7 as specified");
}

TEST_F(UnpackTest, DamagedStreams) {
  const std::string gz = Gzip(Tar(Normal()));
  const std::string zst = Zstd(Tar(Normal()));
  EXPECT_EQ(Message(Options(gz.substr(0, gz.size() / 2), "tar.gz")),
            "gzip data: archive: got the end of the file, expected a whole stream");
  EXPECT_EQ(Message(Options(gz + "garbage", "tar.gz")),
            "gzip data: archive: got other bytes after the end, expected a whole stream");
  EXPECT_EQ(Message(Options("no gzip", "tar.gz")),
            "gzip data: archive: got incorrect header check, expected a whole stream");
  EXPECT_EQ(Message(Options(zst.substr(0, zst.size() - 3), "tar.zst")),
            "zstd data: archive: got the end of the file, expected a whole stream");
  EXPECT_EQ(Message(Options(zst + "garbage", "tar.zst")),
            "zstd data: archive: got Unknown frame descriptor, expected a whole stream");
  EXPECT_EQ(Message(Options("no xz file at all", "tar.xz")),
            "xz data: archive: got something else, expected a whole stream");
  EXPECT_EQ(Message(Options(XzOfTar().substr(0, 40), "tar.xz")),
            "xz data: archive: got the end of the file, expected a whole stream");
  EXPECT_EQ(Message(Options(XzOfTar() + std::string(20, 'x'), "tar.xz")),
            "xz data: archive: got damaged data, expected a whole stream");
  std::string flipped = XzOfTar();
  flipped[60] = static_cast<char>(flipped[60] ^ 1);
  EXPECT_EQ(Message(Options(flipped, "tar.xz")),
            "xz data: archive: got damaged data, expected a whole stream");
  EXPECT_EQ(Message(Options(Tar(Normal()).substr(0, 1500), "tar")),
            "tar: archive: got the end of the file, expected more data");
  EXPECT_EQ(Message(Options(Tar(Normal()) + "garbage", "tar")),
            "tar: archive: got the end of the file, expected more data");
  EXPECT_EQ(Message(Options(Tar({}) + TarEntry({"late", ""}), "tar")),
            "tar: archive: got more after a block of zeros, expected the end of the archive");
  EXPECT_EQ(Message(Options("x", "rar")),
            "archive: archive: got format 'rar', expected one of file, tar, tar.gz, tar.xz, "
            "tar.zst, zip");
}

TEST_F(UnpackTest, NamesThatEscape) {
  for (const char* name : {"../x", "a/../x", "/etc/x", "a//x", "a/./x", "a\\x", "a/\x01", "\xff"}) {
    EXPECT_THAT(TarMessage({{name, "x"}}),
                testing::EndsWith("got a name that is not safe, expected a relative path without "
                                  "'..'"))
        << name;
  }
  EXPECT_EQ(TarMessage({{"../x", "x"}}),
            "archive: archive: entry '../x': got a name that is not safe, expected a relative path "
            "without '..'");
}

TEST_F(UnpackTest, LinksThatEscape) {
  for (const char* target : {"../x", "/etc/passwd", "", "b/../c", "b/../../x", "./../x"}) {
    EXPECT_THAT(TarMessage({{"link", "", '2', target}}),
                testing::HasSubstr("expected a relative target inside the archive"))
        << target;
  }
  EXPECT_EQ(TarMessage({{"d/link", "", '2', "../../x"}}),
            "archive: archive: entry 'd/link': got a symlink to '../../x', expected a relative "
            "target inside the archive, '..' at its start only");
  EXPECT_EQ(TarMessage({{"link", "", '1', "/etc/passwd"}}),
            "archive: archive: entry '/etc/passwd': got a name that is not safe, expected a "
            "relative path without '..'");
  EXPECT_EQ(TarMessage({{"link", "", '1', "later"}, {"later", "x"}}),
            "archive: archive: entry 'link': got a hard link to 'later', expected one to an "
            "earlier file");
}

TEST_F(UnpackTest, NothingIsWrittenThroughALink) {
  EXPECT_EQ(TarMessage({{"d/", "", '5'}, {"link", "", '2', "d"}, {"link/x", "x"}}),
            "archive: archive: entry 'link/x': got a path through 'link', which is a symlink, "
            "expected a path through directories");
  EXPECT_EQ(TarMessage({{"link", "", '2', "x"}, {"link", "x"}}),
            "archive: archive: entry 'link': got it again, expected every name once");
  EXPECT_EQ(TarMessage({{"f", "x"}, {"f/x", "x"}}),
            "archive: archive: entry 'f/x': got a path through 'f', which is a file, expected a "
            "path through directories");
  EXPECT_EQ(TarMessage({{"f", "x"}, {"f", "y"}}),
            "archive: archive: entry 'f': got it again, expected every name once");
}

TEST_F(UnpackTest, TypesThatAreNoFiles) {
  for (const auto& [type, what] :
       std::vector<std::pair<char, std::string>>{{'3', "a character device"},
                                                 {'4', "a block device"},
                                                 {'6', "a fifo"},
                                                 {'S', "a sparse file"},
                                                 {'V', "an entry of unknown type"}}) {
    EXPECT_EQ(TarMessage({{"x", "", type}}),
              absl::StrCat("tar: archive: entry 'x': got ", what,
                           ", expected a file, a directory or a link"));
  }
  EXPECT_EQ(TarMessage({{"P", Pax("GNU.sparse.major", "1"), 'x'}, {"x", "x"}}),
            "tar: archive: entry 'x': got a sparse file, expected a plain one");
}

TEST_F(UnpackTest, DamagedHeaders) {
  std::string bytes = Tar({{"x", "x"}});
  bytes[3] = 'y';
  EXPECT_EQ(Message(Options(bytes, "tar")),
            "tar: archive: entry 'x': got a wrong checksum, expected a tar header");
  EXPECT_EQ(TarMessage({{"x", "", '0', "", 0644, [](std::string& b) { b[124] = 'z'; }}}),
            "tar: archive: entry 'x': got a size or mode that is no number, expected octal digits");
  EXPECT_EQ(TarMessage({{"x", "", '0', "", 0644, [](std::string& b) { b[124] = '\xff'; }}}),
            "tar: archive: entry 'x': got a size or mode that is no number, expected octal digits");
  EXPECT_EQ(TarMessage({{"P", "nonsense", 'x'}, {"x", ""}}),
            "tar: archive: got a malformed extended header, expected records of PAX");
  EXPECT_EQ(TarMessage({{"P", std::string("18 path=a") + '\0' + "b/../c\n\n", 'x'}, {"x", ""}}),
            R"(tar: archive: entry 'a\000b/../c\n': got a name with a NUL, expected none)");
}

TEST_F(UnpackTest, Prefixes) {
  UnpackOptions options = Options(Tar(Normal()), "tar");
  options.strip_prefix = "other";
  EXPECT_EQ(Message(options),
            "archive: archive: entry './top/': got a name outside it, expected everything below "
            "strip_prefix other");
  options = Options(Tar({{"top/", "", '5'}}), "tar");
  options.strip_prefix = "top/deep";
  EXPECT_EQ(Message(options),
            "archive: archive: got nothing below strip_prefix top/deep, expected one of its "
            "directories: top");
  options = Options(Tar({{"top", "x"}}), "tar");
  options.strip_prefix = "top";
  EXPECT_EQ(Message(options),
            "archive: archive: entry 'top': got a file, expected a directory, which leads to "
            "strip_prefix");
}

TEST_F(UnpackTest, TooMuch) {
  UnpackOptions options = Options(Gzip(Tar({{"zeros", std::string(100000, '\0')}})), "tar.gz");
  options.max_unpacked_bytes = 99999;
  EXPECT_EQ(Message(options),
            "archive: archive: entry 'zeros': got more bytes than that, expected at most 99999 in "
            "all files");
}

TEST_F(UnpackTest, AnyFaultLeavesNothingAndARerunIsGood) {
  UnpackOptions options = Options(Gzip(Tar(Normal())), "tar.gz");
  options.strip_prefix = "top";
  int faults = 0;
  for (int n = 1;; ++n) {
    FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("disk full"));
    const absl::Status status = Unpack(options, faulty);
    if (status.ok()) break;
    ++faults;
    ASSERT_EQ(status.message(), "disk full") << n;
    ASSERT_FALSE(fs_.Stat(Path("out"), Follow::kNo).ok()) << n;
  }
  EXPECT_GT(faults, 15);
  EXPECT_EQ(Tree(), NormalTree());
}

}  // namespace
}  // namespace rules_inference::base
