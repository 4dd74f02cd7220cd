// The whole way from a request to a blob and its side file.

#include "plugins/layer/layer.h"

#include <sys/stat.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/archive/test_zip.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/memory_file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/layer/test_layer.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer {
namespace {

constexpr sdk::LayerMode kModes[] = {sdk::SPLICE, sdk::DEFLATE, sdk::ZSTD, sdk::STORED};
constexpr char kWheel[] = "demo-1.0-py3-none-any.whl";

base::TestEntry File(absl::string_view name, absl::string_view data, uint32_t mode = 0100644) {
  base::TestEntry entry;
  entry.name = std::string(name);
  entry.data = std::string(data);
  entry.mode = mode;
  return entry;
}

// A small wheel with one of everything.
std::string SmallWheel(const std::function<void(base::TestZip&)>& change = nullptr) {
  std::vector<base::TestEntry> files = {
      File("demo/__init__.py", "print('hello')\n"),         File("demo/empty.py", ""),
      File("demo/tool.sh", "#!/bin/sh\nexit 0\n", 0100755), File("demo/na\xc3\xafve.txt", "text\n"),
      File("demo-1.0.data/scripts/demo", "#!python\n"),
  };
  files[3].flags = 0x800;
  base::TestEntry stored = File("demo/stored.bin", std::string(700, 'S'));
  stored.deflate = false;
  files.push_back(stored);
  base::TestEntry directory = File("demo/dir/", "", 040755);
  directory.deflate = false;
  files.push_back(directory);
  return base::BuildWheel(files, change);
}

// Compressible and random pieces, the same on every machine.
std::string LargeData(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::string data;
  data.reserve(size + 4096);
  while (data.size() < size) {
    if (random() % 2 == 0 || data.size() < 5000) {
      for (int i = 0; i < 700; ++i) data.push_back(static_cast<char>(random()));
    } else {
      data.append(data, data.size() - 1 - random() % 4000, 900);
    }
  }
  data.resize(size);
  return data;
}

class LayerTest : public testing::Test {
 protected:
  LayerTest() {
    dir_ = absl::StrCat(testing::TempDir(), "/layer_",
                        testing::UnitTest::GetInstance()->current_test_info()->name());
    base::RealFileSystem real;
    EXPECT_TRUE(real.RemoveTree(dir_).ok());
    EXPECT_TRUE(real.CreateDirectories(dir_).ok());
    fs_ = std::make_unique<base::RealFileSystem>(dir_);
  }

  void Write(const std::string& path, absl::string_view data) {
    const size_t slash = path.rfind('/');
    if (slash != std::string::npos) {
      ASSERT_TRUE(fs_->CreateDirectories(path.substr(0, slash)).ok());
    }
    // Not by way of base::WriteFile: sweeps write thousands of files, and none needs to survive a
    // loss of power.
    std::ofstream file(absl::StrCat(dir_, "/", path), std::ios::binary | std::ios::trunc);
    file.write(data.data(), static_cast<std::streamsize>(data.size()));
    ASSERT_TRUE(file.flush().good());
  }
  std::string Read(const std::string& path) {
    const auto data = base::ReadFile(*fs_, path, uint64_t{1} << 30);
    EXPECT_TRUE(data.ok()) << data.status();
    return data.value_or("");
  }
  sdk::LayerRequest Request(sdk::LayerMode mode = sdk::SPLICE) {
    sdk::LayerRequest request;
    request.set_output("out.blob");
    request.set_side_file("out.json");
    request.set_mode(mode);
    request.set_threads(2);
    request.set_created_by("test");
    return request;
  }
  void AddWheel(sdk::LayerRequest& request, const std::string& source = kWheel) {
    sdk::WheelInput& wheel = *request.add_wheels();
    wheel.set_source(source);
    wheel.set_prefix("usr/lib/python3/site-packages");
  }
  sdk::FileInput& AddFile(sdk::LayerRequest& request, sdk::FileType type, const std::string& path,
                          const std::string& source = "") {
    sdk::FileInput& file = *request.add_files();
    file.set_type(type);
    file.set_path(path);
    file.set_source(source);
    return file;
  }
  absl::Status Build(const sdk::LayerRequest& request) {
    return BuildLayer(request, *fs_, nullptr);
  }

  // Builds, checks blob and side file against each other, and returns the blob.
  std::string BuildAndCheck(const sdk::LayerRequest& request) {
    const absl::Status status = Build(request);
    EXPECT_TRUE(status.ok()) << status;
    if (!status.ok()) return "";
    const std::string blob = Read(request.output());
    const std::string tar = Unpack(blob);
    const auto metadata =
        sdk::ParseJson<sdk::LayerMetadata>("side file", Read(request.side_file()));
    EXPECT_TRUE(metadata.ok()) << metadata.status();
    if (!metadata.ok()) return blob;
    EXPECT_EQ(metadata->digest(), base::Sha256::Of(blob).ToString());
    EXPECT_EQ(metadata->size(), blob.size());
    EXPECT_EQ(metadata->diff_id(), base::Sha256::Of(tar).ToString());
    EXPECT_EQ(metadata->unpacked_size(), tar.size());
    EXPECT_EQ(metadata->entries(), List(tar).size());
    EXPECT_EQ(metadata->created_by(), "test");
    return blob;
  }
  std::vector<std::string> Files() { return fs_->List("").value_or(std::vector<std::string>{}); }

  std::string dir_;
  std::unique_ptr<base::RealFileSystem> fs_;
};

TEST_F(LayerTest, GoldenListingInAllModes) {
  Write(kWheel, SmallWheel());
  Write("app/main.py", "print(1)\n");
  Write("app/lib/data.txt", "data\n");
  ASSERT_TRUE(fs_->Symlink("lib/data.txt", "app/link").ok());
  const char* media_types[] = {
      "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.layer.v1.tar+gzip",
      "application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.oci.image.layer.v1.tar"};
  const char* source_dir = std::getenv("TEST_SRCDIR");
  const char* workspace = std::getenv("TEST_WORKSPACE");
  ASSERT_TRUE(source_dir != nullptr && workspace != nullptr);
  base::RealFileSystem real;
  const std::string golden =
      base::ReadFile(
          real, absl::StrCat(source_dir, "/", workspace, "/plugins/layer/testdata/small.ndjson"),
          1 << 20)
          .value();
  for (size_t i = 0; i < std::size(kModes); ++i) {
    sdk::LayerRequest request = Request(kModes[i]);
    AddWheel(request);
    AddFile(request, sdk::TREE, "app", "app").set_keep_links(true);
    AddFile(request, sdk::FILE, "app/config.json", "app/lib/data.txt").set_mode("0600");
    sdk::FileInput& owned = AddFile(request, sdk::EMPTY, "var/log/app.log");
    owned.set_uid(1000);
    owned.set_gid(3000000);
    AddFile(request, sdk::SYMLINK, "usr/bin/demo")
        .set_link_target("/usr/lib/python3/site-packages/bin/demo");
    AddFile(request, sdk::SYMLINK_FROM_SOURCE, "usr/bin/data", "app/link");
    AddFile(request, sdk::DIRECTORY, "tmp").set_mode("1777");
    const std::string blob = BuildAndCheck(request);
    EXPECT_EQ(Listing(List(Unpack(blob))), golden) << sdk::LayerMode_Name(kModes[i]);
    EXPECT_TRUE(absl::StrContains(Read("out.json"), media_types[i]));
  }
}

TEST_F(LayerTest, SpliceKeepsTheStreamsOfTheWheel) {
  Write(kWheel, SmallWheel());
  sdk::LayerRequest request = Request();
  AddWheel(request);
  const std::string blob = BuildAndCheck(request);
  EXPECT_TRUE(absl::StrContains(blob, base::Deflate("print('hello')\n")));
  // Seven deflated files with data, and eight members around them.
  EXPECT_EQ(CountMembers(blob), 15);
}

TEST_F(LayerTest, SameBytesForAnyNumberOfThreadsAndAnyUmask) {
  // Small files, one of several segments, stored and deflated, and one that fills a segment to the
  // byte.
  std::vector<base::TestEntry> files;
  for (int i = 0; i < 300; ++i) {
    files.push_back(File(absl::StrCat("demo/f", i), LargeData(static_cast<size_t>(i) * 67, 1)));
  }
  files.push_back(File("demo/large.so", LargeData(5000000, 2)));
  files.push_back(File("demo/large2.so", LargeData(3500001, 3)));
  files.push_back(File("demo/stored.npy", LargeData(2500000, 4)));
  files.back().deflate = false;
  files.push_back(File("demo/exact", LargeData((1 << 20) - 512, 5)));
  files.push_back(File("demo/just_over", LargeData((1 << 20) - 511, 6)));
  Write(kWheel, base::BuildWheel(files));
  Write("model.bin", LargeData(4000000, 7));
  for (const sdk::LayerMode mode : kModes) {
    sdk::LayerRequest request = Request(mode);
    AddWheel(request);
    AddFile(request, sdk::FILE, "model.bin", "model.bin");
    const std::string blob = BuildAndCheck(request);
    const std::string side_file = Read("out.json");
    const std::vector<ListedEntry> entries = List(Unpack(blob));
    std::map<std::string, std::string> data;
    for (const ListedEntry& entry : entries) data[entry.path] = entry.data;
    for (const base::TestEntry& file : files) {
      EXPECT_TRUE(data["usr/lib/python3/site-packages/" + file.name] == file.data) << file.name;
    }
    EXPECT_TRUE(data["model.bin"] == LargeData(4000000, 7));
    for (const int threads : {1, 3, 8}) {
      const mode_t before = umask(threads == 3 ? 0 : 077);
      request.set_threads(threads);
      EXPECT_TRUE(Build(request).ok());
      umask(before);
      EXPECT_TRUE(Read("out.blob") == blob) << threads;
      EXPECT_EQ(Read("out.json"), side_file);
    }
  }
}

TEST_F(LayerTest, KnownDiffIdGivesTheSameBytesWithoutInflating) {
  std::vector<base::TestEntry> files = {File("demo/a.py", "print('a')\n"),
                                        File("demo/large.so", LargeData(3000000, 9))};
  Write(kWheel, base::BuildWheel(files));
  sdk::LayerRequest request = Request();
  AddWheel(request);
  const std::string blob = BuildAndCheck(request);
  const std::string side_file = Read("out.json");
  const auto metadata = sdk::ParseJson<sdk::LayerMetadata>("side file", side_file);
  request.set_known_diff_id(metadata->diff_id());
  ASSERT_TRUE(Build(request).ok());
  EXPECT_TRUE(Read("out.blob") == blob);
  EXPECT_EQ(Read("out.json"), side_file);
}

TEST_F(LayerTest, DirectoriesAreShared) {
  Write(kWheel, base::BuildWheel({File("ns/a.py", "a")}));
  Write("b.txt", "b");
  sdk::LayerRequest request = Request();
  AddWheel(request);
  AddFile(request, sdk::FILE, "usr/lib/python3/site-packages/ns/b.txt", "b.txt");
  AddFile(request, sdk::DIRECTORY, "usr/lib").set_mode("0700");
  const std::vector<ListedEntry> entries = List(Unpack(BuildAndCheck(request)));
  EXPECT_EQ(entries[1].path, "usr/lib");
  EXPECT_EQ(entries[1].mode, 0700U);
  EXPECT_EQ(entries.back().path, "usr/lib/python3/site-packages/ns/b.txt");
}

TEST_F(LayerTest, OnePathHasOneOwner) {
  Write(kWheel, SmallWheel());
  Write("copy.whl", SmallWheel());
  Write("b.txt", "b");
  const std::string init = "usr/lib/python3/site-packages/demo/__init__.py";
  struct Case {
    std::function<void(sdk::LayerRequest&)> add;
    std::string message;
  };
  const std::string record =
      "path in the layer: 'usr/lib/python3/site-packages/demo-1.0.dist-info/RECORD': got '";
  const Case cases[] = {
      {[&](sdk::LayerRequest& r) { AddWheel(r, "copy.whl"); },
       record + kWheel + "' and 'copy.whl', expected one owner"},
      {[&](sdk::LayerRequest& r) { AddFile(r, sdk::FILE, init, "b.txt"); },
       "path in the layer: '" + init + "': got '" + kWheel + "' and 'b.txt', expected one owner"},
      {[&](sdk::LayerRequest& r) { AddFile(r, sdk::FILE, "usr/lib", "b.txt"); },
       std::string("path in the layer: 'usr/lib': got '") + kWheel +
           "' and 'b.txt', with different types, expected one owner"},
      {[&](sdk::LayerRequest& r) { AddFile(r, sdk::EMPTY, init + "/below"); },
       "path in the layer: '" + init + "': got '" + kWheel + "' and the input for '" + init +
           "/below', with different types, expected one owner"},
      {[&](sdk::LayerRequest& r) { AddFile(r, sdk::SYMLINK, "usr/lib").set_link_target("lib64"); },
       std::string("path in the layer: 'usr/lib': got '") + kWheel +
           "' and the input for 'usr/lib', with different types, expected one owner"},
  };
  for (const Case& c : cases) {
    sdk::LayerRequest request = Request();
    AddWheel(request);
    c.add(request);
    EXPECT_EQ(Build(request).message(), c.message);
  }
}

// Wheels of cu12 each bring the same empty nvidia/__init__.py.
TEST_F(LayerTest, WheelsShareFilesWithTheSameBytes) {
  const auto wheel = [](const std::string& project, absl::string_view init) {
    return base::BuildWheel({File("nvidia/__init__.py", init), File("nvidia/" + project, "x")},
                            nullptr, project);
  };
  Write("a-1.0-py3-none-any.whl", wheel("a", ""));
  Write("b-1.0-py3-none-any.whl", wheel("b", ""));
  Write("c-1.0-py3-none-any.whl", wheel("c", "c"));
  for (const sdk::LayerMode mode : kModes) {
    sdk::LayerRequest request = Request(mode);
    AddWheel(request, "a-1.0-py3-none-any.whl");
    AddWheel(request, "b-1.0-py3-none-any.whl");
    std::vector<std::string> paths;
    for (const ListedEntry& entry : List(Unpack(BuildAndCheck(request)))) {
      if (absl::StrContains(entry.path, "/nvidia/")) paths.push_back(entry.path.substr(30));
    }
    EXPECT_EQ(paths, (std::vector<std::string>{"nvidia/__init__.py", "nvidia/a", "nvidia/b"}));
  }
  sdk::LayerRequest request = Request();
  AddWheel(request, "b-1.0-py3-none-any.whl");
  AddWheel(request, "c-1.0-py3-none-any.whl");
  EXPECT_EQ(Build(request).message(),
            "path in the layer: 'usr/lib/python3/site-packages/nvidia/__init__.py': got "
            "'b-1.0-py3-none-any.whl' and 'c-1.0-py3-none-any.whl', expected one owner");
}

TEST_F(LayerTest, BadRequests) {
  Write("b.txt", "b");
  struct Case {
    std::function<void(sdk::LayerRequest&)> change;
    std::string message;
  };
  const Case cases[] = {
      {[](sdk::LayerRequest& r) { r.set_output(""); },
       "layer request: output and side_file: got '' and 'out.json', expected two paths"},
      {[](sdk::LayerRequest& r) { r.set_side_file("out.blob"); },
       "layer request: output and side_file: got 'out.blob' and 'out.blob', expected two paths"},
      {[](sdk::LayerRequest& r) { r.clear_mode(); },
       "layer request: mode: got 0, expected SPLICE, DEFLATE, ZSTD or STORED"},
      {[](sdk::LayerRequest& r) { r.set_level(1); },
       "layer request: level: got 1, expected 0 to 0 in mode SPLICE"},
      {[](sdk::LayerRequest& r) { r.set_threads(-1); },
       "layer request: threads: got -1, expected 0 or more"},
      {[](sdk::LayerRequest& r) { r.set_known_diff_id("sha256:12"); },
       "digest: '12': got 2 digits, expected 64 lower-case hexadecimal digits"},
      {[](sdk::LayerRequest& r) {
         r.set_known_diff_id("x");
         r.set_mode(sdk::ZSTD);
       },
       "layer request: known_diff_id: got mode ZSTD, expected mode SPLICE"},
      {[&](sdk::LayerRequest& r) { AddFile(r, sdk::FILE, "../etc/passwd", "b.txt"); },
       "path: '../etc/passwd': got component '..', expected no '.' and no '..'"},
      {[&](sdk::LayerRequest& r) { AddFile(r, sdk::FILE, "/b", "b.txt"); },
       "path: '/b': got an absolute path, expected a relative path"},
      {[&](sdk::LayerRequest& r) { AddFile(r, sdk::FILE, "b", "b.txt").set_mode("rw"); },
       "file mode: 'b': got 'rw', expected octal digits such as '0644', at most '7777'"},
      {[&](sdk::LayerRequest& r) { AddFile(r, sdk::FILE, "b", "none.txt"); },
       "cannot read: none.txt: No such file or directory"},
      {[&](sdk::LayerRequest& r) { AddFile(r, sdk::FILE, "b", "."); },
       "layer input: .: got a directory, expected a regular file"},
      {[&](sdk::LayerRequest& r) { AddFile(r, sdk::TREE, "b", "b.txt"); },
       "layer input: b.txt: got not a directory, expected a directory"},
      {[&](sdk::LayerRequest& r) { AddFile(r, sdk::SYMLINK, "b"); },
       "symlink target: 'b': got '', expected 1 to 4096 bytes of UTF-8 without NUL"},
      {[&](sdk::LayerRequest& r) { AddFile(r, sdk::SYMLINK_FROM_SOURCE, "b", "b.txt"); },
       "layer input: b.txt: got no symlink, expected a symlink"},
      {[&](sdk::LayerRequest& r) { AddFile(r, sdk::FILE_TYPE_UNSPECIFIED, "b"); },
       "layer input: 'b': got type 0, expected a FileType"},
      {[&](sdk::LayerRequest& r) { AddWheel(r, "none.whl"); },
       "cannot open: none.whl: No such file or directory"},
      {[&](sdk::LayerRequest& r) { AddWheel(r, "b.txt"); },
       "not a zip file: b.txt: got no end record, expected one in the last 22 bytes"},
  };
  for (const Case& c : cases) {
    sdk::LayerRequest request = Request();
    c.change(request);
    EXPECT_EQ(Build(request).message(), c.message);
    EXPECT_EQ(Files(), std::vector<std::string>{"b.txt"});
  }
}

TEST_F(LayerTest, DamagedDataIsRefused) {
  const std::string at = std::string(kWheel) + ": entry 'demo/x.py' (#0)";
  const std::string data = "some data, some data, some data";
  struct Case {
    const char* name;
    std::function<void(base::TestEntry&)> change;
    std::string message;
  };
  std::string other = data;
  other[3] = 'E';
  const Case cases[] = {
      {"crc",
       [](base::TestEntry& e) { e.local = e.central = [](base::TestHeader& h) { h.crc32 = 1; }; },
       "crc32: " + at + ": got "},
      {"not deflate", [](base::TestEntry& e) { e.packed = "\x07junk"; },
       "deflate data: " + at +
           ": got a block of unknown type, expected a valid stream of 31 bytes"},
      {"short", [&](base::TestEntry& e) { e.packed = base::Deflate(data.substr(0, 30)); },
       "deflate data: " + at + ": got 30 bytes, expected a valid stream of 31 bytes"},
      {"long", [&](base::TestEntry& e) { e.packed = base::Deflate(data + "!"); },
       "deflate data: " + at + ": got more data than that, expected a valid stream of 31 bytes"},
      {"very long", [&](base::TestEntry& e) { e.packed = base::Deflate(std::string(100000, 'x')); },
       "deflate data: " + at + ": got more data than that, expected a valid stream of 31 bytes"},
      {"hidden bytes", [&](base::TestEntry& e) { e.packed = base::Deflate(data) + "hidden"; },
       "deflate data: " + at +
           ": got 6 bytes after the end of the stream, expected a valid stream of 31 bytes"},
      {"cut off", [&](base::TestEntry& e) { e.packed = base::Deflate(data).substr(0, 9); },
       "deflate data: " + at + ": got the stream ends early, expected a valid stream of 31 bytes"},
  };
  for (const sdk::LayerMode mode : kModes) {
    for (const Case& c : cases) {
      Write(kWheel, base::BuildWheel({File("demo/x.py", data)},
                                     [&](base::TestZip& zip) { c.change(zip.entries[0]); }));
      sdk::LayerRequest request = Request(mode);
      AddWheel(request);
      const absl::Status status = Build(request);
      EXPECT_EQ(std::string(status.message()).substr(0, c.message.size()), c.message) << c.name;
      EXPECT_EQ(Files(), std::vector<std::string>{kWheel}) << c.name;
    }
  }
  // Right for the zip, wrong for RECORD.
  Write(kWheel, base::BuildWheel({File("demo/x.py", data)},
                                 [&](base::TestZip& zip) { zip.entries[0].data = other; }));
  sdk::LayerRequest request = Request();
  AddWheel(request);
  EXPECT_EQ(Build(request).message(),
            absl::StrCat("wheel RECORD: ", at, ": got ", base::Sha256::Of(other).ToString(),
                         ", expected ", base::Sha256::Of(data).ToString()));
}

TEST_F(LayerTest, DamagedLargeDataIsRefused) {
  const std::string data = LargeData(3000000, 11);
  const std::string at = std::string(kWheel) + ": entry 'demo/x.so' (#0)";
  struct Case {
    std::function<void(base::TestEntry&)> change;
    std::string message;
  };
  // Empty stored blocks in front of the stream: odd, legal, and few enough.
  std::string padding;
  for (int i = 0; i < 9000; ++i) padding += std::string("\0\0\0\xff\xff", 5);
  const Case cases[] = {
      {[&](base::TestEntry& e) { e.packed = base::Deflate(data.substr(0, 2500000)); },
       "deflate data: " + at + ": got 2500000 bytes, expected a valid stream of 3000000 bytes"},
      {[&](base::TestEntry& e) { e.packed = base::Deflate(data + "!"); },
       "deflate data: " + at +
           ": got more data than that, expected a valid stream of 3000000 bytes"},
      {[&](base::TestEntry& e) { e.packed = base::Deflate(data) + "hidden"; },
       "deflate data: " + at +
           ": got 6 bytes after the end of the stream, expected a valid stream of 3000000 bytes"},
      {[&](base::TestEntry& e) { e.local = e.central = [](base::TestHeader& h) { h.crc32 = 1; }; },
       "crc32: " + at + ": got "},
      {[&](base::TestEntry& e) { e.packed = padding + base::Deflate(data); }, ""},
  };
  for (const Case& c : cases) {
    Write(kWheel, base::BuildWheel({File("demo/x.so", data)},
                                   [&](base::TestZip& zip) { c.change(zip.entries[0]); }));
    sdk::LayerRequest request = Request();
    AddWheel(request);
    EXPECT_EQ(std::string(Build(request).message()).substr(0, c.message.size()), c.message);
    if (!c.message.empty()) {
      EXPECT_EQ(Files(), std::vector<std::string>{kWheel});
    }
  }
}

TEST_F(LayerTest, EveryTruncationOfAWheelIsRefused) {
  const std::string wheel = SmallWheel();
  sdk::LayerRequest request = Request();
  request.set_threads(1);
  AddWheel(request);
  base::MemoryFileSystem memory;
  for (size_t size = 0; size < wheel.size(); ++size) {
    memory.files[kWheel] = wheel.substr(0, size);
    ASSERT_FALSE(BuildLayer(request, memory, nullptr).ok()) << size;
    ASSERT_EQ(memory.files.size(), 1U) << size;
  }
}

// Each flip is refused, or hits what has no meaning for the layer (times, versions, attributes of
// no interest, comments), or is an honest change of it: a mode bit, which no checksum of a wheel
// covers.
TEST_F(LayerTest, EveryBitFlipOfAWheelIsRefusedOrHarmless) {
  std::string wheel = SmallWheel();
  sdk::LayerRequest request = Request();
  request.set_threads(1);
  AddWheel(request);
  Write(kWheel, wheel);
  const std::string golden = BuildAndCheck(request);
  const std::vector<ListedEntry> expected = List(Unpack(golden));
  base::MemoryFileSystem memory;
  int accepted = 0;
  for (size_t bit = 0; bit < wheel.size() * 8; ++bit) {
    const char before = wheel[bit / 8];
    wheel[bit / 8] = static_cast<char>(before ^ (1 << (bit % 8)));
    memory.files[kWheel] = wheel;
    wheel[bit / 8] = before;
    if (!BuildLayer(request, memory, nullptr).ok()) continue;
    ++accepted;
    const std::string& blob = memory.files["out.blob"];
    if (blob == golden) continue;
    // Not the same bytes: the same files all the same.
    const std::vector<ListedEntry> entries = List(Unpack(blob));
    ASSERT_EQ(entries.size(), expected.size()) << bit;
    for (size_t i = 0; i < entries.size(); ++i) {
      EXPECT_EQ(entries[i].path, expected[i].path) << bit;
      EXPECT_EQ(entries[i].type, expected[i].type) << bit;
      EXPECT_TRUE(entries[i].data == expected[i].data) << bit;
    }
  }
  EXPECT_LT(accepted, static_cast<int>(wheel.size()));
}

TEST_F(LayerTest, AnyFaultLeavesNothingAndARerunIsGood) {
  Write(kWheel, SmallWheel());
  Write("tree/a/b.txt", "b");
  ASSERT_TRUE(fs_->Symlink("a/b.txt", "tree/link").ok());
  Write("large.bin", LargeData(2500000, 13));
  for (const int threads : {1, 4}) {
    sdk::LayerRequest request = Request();
    request.set_threads(threads);
    AddWheel(request);
    AddFile(request, sdk::TREE, "tree", "tree");
    AddFile(request, sdk::FILE, "large.bin", "large.bin");
    AddFile(request, sdk::SYMLINK_FROM_SOURCE, "link", "tree/link");
    const std::string golden = BuildAndCheck(request);
    const std::string golden_side_file = Read("out.json");
    int n = 1;
    for (;; ++n) {
      ASSERT_TRUE(fs_->RemoveTree("out.blob").ok());
      ASSERT_TRUE(fs_->RemoveTree("out.json").ok());
      base::FaultyFileSystem faulty(*fs_, n, absl::ResourceExhaustedError("disk full"));
      const absl::Status status = BuildLayer(request, faulty, nullptr);
      if (!faulty.failed()) {
        EXPECT_TRUE(status.ok());
        break;
      }
      EXPECT_EQ(status.message(), "disk full") << n;
      EXPECT_EQ(Files(), (std::vector<std::string>{kWheel, "large.bin", "tree"})) << n;
      ASSERT_TRUE(Build(request).ok()) << n;
      ASSERT_TRUE(Read("out.blob") == golden) << n;
      ASSERT_EQ(Read("out.json"), golden_side_file) << n;
    }
    EXPECT_GT(n, 40);
  }
}

TEST_F(LayerTest, LeftoversOfAKilledRunDoNoHarm) {
  Write("b.txt", "b");
  sdk::LayerRequest request = Request();
  AddFile(request, sdk::FILE, "b", "b.txt");
  const std::string golden = BuildAndCheck(request);
  Write(".out.blob.partial", "half");
  Write(".out.json.partial", "half");
  Write("out.blob", "old");
  Write("out.json", "old");
  EXPECT_TRUE(BuildAndCheck(request) == golden);
  EXPECT_EQ(Files(), (std::vector<std::string>{"b.txt", "out.blob", "out.json"}));
}

TEST_F(LayerTest, CancelledRunLeavesNothing) {
  Write("large.bin", LargeData(3000000, 17));
  sdk::LayerRequest request = Request();
  AddFile(request, sdk::FILE, "b", "large.bin");
  std::atomic<bool> cancelled = true;
  EXPECT_EQ(BuildLayer(request, *fs_, &cancelled).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Files(), std::vector<std::string>{"large.bin"});
}

TEST_F(LayerTest, LinksThatBazelStagesAreNotPartOfATree) {
  // What a sandbox looks like: files of a tree artifact are absolute symlinks to the same path
  // elsewhere.
  Write("real/out/tree/file.txt", "content");
  ASSERT_TRUE(fs_->Symlink("file.txt", "real/out/tree/inner").ok());
  ASSERT_TRUE(fs_->CreateDirectories("out/tree").ok());
  for (const char* name : {"file.txt", "inner"}) {
    ASSERT_TRUE(
        fs_->Symlink(absl::StrCat(dir_, "/real/out/tree/", name), absl::StrCat("out/tree/", name))
            .ok());
  }
  ASSERT_TRUE(fs_->Symlink("/etc/localtime", "out/tree/zone").ok());
  ASSERT_TRUE(fs_->Symlink("../missing", "out/tree/dangling").ok());
  sdk::LayerRequest request = Request();
  AddFile(request, sdk::TREE, "t", "out/tree").set_keep_links(true);
  AddFile(request, sdk::SYMLINK_FROM_SOURCE, "link", "out/tree/inner");
  std::string listing;
  for (const ListedEntry& entry : List(Unpack(BuildAndCheck(request)))) {
    absl::StrAppend(&listing, entry.path, " ", entry.type, " ", entry.link_target, entry.data,
                    "\n");
  }
  EXPECT_EQ(listing,
            "link symlink file.txt\n"
            "t directory \n"
            "t/dangling symlink ../missing\n"
            "t/file.txt file content\n"
            "t/inner symlink file.txt\n"
            "t/zone symlink /etc/localtime\n");
}

TEST_F(LayerTest, WhatLinksInADirectoryLeadToStandsInTheirPlace) {
  // As in a sandbox: `tree` is real, `staged` is what an action gets. With a link to a file, to a
  // directory, to a link, and out of the directory.
  Write("tree/sub/file.txt", "content");
  Write("beside/other.txt", "other");
  ASSERT_TRUE(fs_->Symlink("sub/file.txt", "tree/to_file").ok());
  ASSERT_TRUE(fs_->Symlink("sub", "tree/to_directory").ok());
  ASSERT_TRUE(fs_->Symlink("to_file", "tree/to_link").ok());
  ASSERT_TRUE(fs_->Symlink("../beside", "tree/out").ok());
  ASSERT_TRUE(fs_->CreateDirectories("staged/tree/sub").ok());
  for (const char* name : {"sub/file.txt", "to_file", "to_directory", "to_link", "out"}) {
    ASSERT_TRUE(fs_->Symlink(absl::StrCat(dir_, "/execroot/../tree/", name),
                             absl::StrCat("staged/tree/", name))
                    .ok());
  }
  ASSERT_TRUE(fs_->CreateDirectories("execroot").ok());
  const auto blob_of = [&](const std::string& tree) {
    sdk::LayerRequest request = Request();
    AddFile(request, sdk::TREE, "t", tree);
    return BuildAndCheck(request);
  };
  const std::string blob = blob_of("tree");
  EXPECT_TRUE(blob_of("staged/tree") == blob);
  std::string listing;
  for (const ListedEntry& entry : List(Unpack(blob))) {
    absl::StrAppend(&listing, entry.path, " ", entry.type, " ", entry.link_target, entry.data,
                    "\n");
  }
  EXPECT_EQ(listing,
            "t directory \n"
            "t/out directory \n"
            "t/out/other.txt file other\n"
            "t/sub directory \n"
            "t/sub/file.txt file content\n"
            "t/to_directory directory \n"
            "t/to_directory/file.txt file content\n"
            "t/to_file file content\n"
            "t/to_link file content\n");
  // What a cache gives for it.
  Write("flat/sub/file.txt", "content");
  Write("flat/to_directory/file.txt", "content");
  Write("flat/to_file", "content");
  Write("flat/to_link", "content");
  Write("flat/out/other.txt", "other");
  EXPECT_TRUE(blob_of("flat") == blob);
}

TEST_F(LayerTest, LinksInADirectoryThatCannotBeFollowed) {
  constexpr absl::string_view kHint =
      "\nhint: links in directories are followed; directory_links = \"keep\" leaves them as they "
      "are";
  const struct {
    const char* target;
    const char* where;
    const char* problem;
  } cases[] = {
      {"/etc/localtime", "", ", expected a relative target"},
      {"../missing", "", ", which does not exist, expected a file or a directory"},
      {".", "", ", a directory that it is in, expected no circle"},
      {"..", "", ", a directory that it is in, expected no circle"},
      // Above the input the circle begins one round later.
      {"../..", "/tree/sub/link", ", a directory that it is in, expected no circle"},
  };
  for (const auto& [target, where, problem] : cases) {
    ASSERT_TRUE(fs_->RemoveTree("tree").ok());
    Write("tree/sub/file.txt", "content");
    ASSERT_TRUE(fs_->Symlink(target, "tree/sub/link").ok());
    sdk::LayerRequest request = Request();
    AddFile(request, sdk::TREE, "t", "tree");
    EXPECT_EQ(Build(request).message(),
              absl::StrCat("symlink: tree/sub/link", where, ": got target '", target, "'", problem,
                           kHint));
  }
}

TEST_F(LayerTest, LimitCountsAllWheels) {
  Write(kWheel, SmallWheel());
  sdk::LayerRequest request = Request();
  AddWheel(request);
  request.set_max_unpacked_bytes(100);
  EXPECT_TRUE(absl::StartsWith(Build(request).message(),
                               absl::StrCat("zip too large: ", kWheel, ": got ")));
}

TEST_F(LayerTest, NoInputsMakeAnEmptyArchive) {
  for (const sdk::LayerMode mode : kModes) {
    EXPECT_EQ(Unpack(BuildAndCheck(Request(mode))), std::string(1024, '\0'));
  }
}

}  // namespace
}  // namespace rules_inference::layer
