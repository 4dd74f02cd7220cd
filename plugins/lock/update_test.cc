#include "plugins/lock/update.h"

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/archive/test_zip.h"
#include "plugins/base/digest.h"
#include "plugins/base/elf/test_elf.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/lock/lock_file.h"
#include "plugins/sdk/variants.pb.h"
#include "zlib.h"
#include "zstd.h"

namespace rules_inference::lock {
namespace {

using base::BuildElf;
using base::TestElf;

std::string Tar(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string out;
  for (const auto& [name, data] : files) {
    std::string block(512, '\0');
    const auto put = [&](size_t at, const std::string& text) {
      block.replace(at, text.size(), text);
    };
    char number[32];
    put(0, name);
    put(100, "0000755");
    std::snprintf(number, sizeof(number), "%011o", static_cast<unsigned>(data.size()));
    put(124, number);
    put(136, "00000000000");
    put(156, "0");
    put(257, std::string("ustar\0"
                         "00",
                         8));
    put(148, "        ");
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<uint8_t>(c);
    std::snprintf(number, sizeof(number), "%06o", sum);
    put(148, std::string(number, 7));
    out += block + data;
    out.resize((out.size() + 511) / 512 * 512);
  }
  return out + std::string(1024, '\0');
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

TestElf CpuProgram() {
  TestElf program;
  program.interpreter = "/lib64/ld-linux-x86-64.so.2";
  program.needed = {"libc.so.6", "libssl.so.3"};
  program.version_needs = {{"libc.so.6", "GLIBC_2.31"}};
  return program;
}

// Code of sm_75, sm_86, sm_90a and sm_100f, by toolkit 13.5.
TestElf CudaProgram() {
  base::RealFileSystem fs;
  TestElf program = CpuProgram();
  program.needed = {"libc.so.6", "libcuda.so.1", "libcudart.so.13"};
  program.sections = {
      {".nv_fatbin",
       base::ReadFile(fs, "plugins/base/elf/testdata/empty.fatbin", 1 << 20).value_or("")}};
  return program;
}

class UpdateTest : public testing::Test {
 protected:
  UpdateTest() {
    static int count = 0;
    root_ = absl::StrCat(testing::TempDir(), "/update", ++count);
    fs_.RemoveTree(root_).IgnoreError();
    EXPECT_TRUE(fs_.CreateDirectories(root_).ok());
    options_.where = "demo.lock.json";
    options_.temporary_dir = root_ + "/tmp";
  }

  // The bytes behind an address.
  void Serve(const std::string& url, const std::string& bytes) {
    const std::string path = absl::StrCat(root_, "/served", served_.size());
    EXPECT_TRUE(base::WriteFile(fs_, path, bytes).ok());
    served_[url] = path;
  }
  void ServeProgram(const std::string& url, const TestElf& elf) {
    Serve(url, Gzip(Tar({{"bin/tool", BuildElf(elf)}})));
  }

  absl::StatusOr<Updated> Run(const std::string& lock) { return Run(lock, fs_); }
  absl::StatusOr<Updated> Run(const std::string& lock, base::FileSystem& fs) {
    const auto parsed = ParseLock("demo.lock.json", lock);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    const auto fetch = [this](const std::vector<std::string>& urls) -> absl::StatusOr<std::string> {
      fetched_.push_back(absl::StrJoin(urls, " "));
      const auto found = served_.find(urls[0]);
      if (found == served_.end()) return absl::NotFoundError(absl::StrCat("no ", urls[0]));
      return found->second;
    };
    const auto updated = Update(*parsed, options_, fetch, fs);
    // A file system that fails may fail to remove it.
    if (&fs == &fs_) {
      EXPECT_FALSE(fs_.Stat(options_.temporary_dir + "/unpacked", base::Follow::kNo).ok());
    }
    return updated;
  }

  // What it changes, then the notes; or the error.
  std::string Changes(const std::string& lock) {
    const absl::StatusOr<Updated> updated = Run(lock);
    if (!updated.ok()) {
      return absl::StrReplaceAll(updated.status().message(), {{root_, "ROOT"}});
    }
    std::string out = Diff(*ParseLock("demo.lock.json", lock), updated->lock);
    for (const std::string& note : updated->notes) absl::StrAppend(&out, "note: ", note, "\n");
    return out;
  }

  // The sha256 and size of what is behind an address.
  std::string Sha(const std::string& url) {
    return base::Sha256::Of(*base::ReadFile(fs_, served_[url], 1 << 20)).Hex();
  }
  std::string Size(const std::string& url) {
    return absl::StrCat(base::ReadFile(fs_, served_[url], 1 << 20)->size());
  }

  // A lock with one row.
  static std::string Lock(const std::string& row) {
    return absl::StrCat(R"({"artifact":"demo","lock_version":1,"version":"0.1.0","url_template":)"
                        R"("https://example.invalid/{version}/{variant}.tar.gz","variants":[)",
                        row, "]}");
  }

  static constexpr char kCpuUrl[] = "https://example.invalid/0.1.0/cpu.tar.gz";
  static constexpr char kCudaUrl[] = "https://example.invalid/0.1.0/cuda.tar.gz";
  static constexpr char kCpuRow[] = R"({"name":"cpu","platform":"linux-x86_64"})";

  std::string root_;
  base::RealFileSystem fs_;
  UpdateOptions options_;
  std::map<std::string, std::string> served_;
  std::vector<std::string> fetched_;
};

TEST_F(UpdateTest, FillsARow) {
  ServeProgram(kCpuUrl, CpuProgram());
  EXPECT_EQ(Changes(Lock(kCpuRow)), absl::StrCat("~ cpu for linux-x86_64\n"
                                                 "  + size: ",
                                                 Size(kCpuUrl), "\n  + sha256: ", Sha(kCpuUrl),
                                                 "\n"
                                                 "  + format: tar.gz\n"
                                                 "  + sonames: libssl.so.3\n"
                                                 "  + libc: glibc-2.31\n"));
  EXPECT_EQ(fetched_, std::vector<std::string>{kCpuUrl});
}

TEST_F(UpdateTest, ASecondRunChangesNothing) {
  ServeProgram(kCudaUrl, CudaProgram());
  const auto first = Run(Lock(R"({"name":"cuda","platform":"linux-x86_64"})"));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Changes(FormatLock(first->lock)), "");
}

TEST_F(UpdateTest, ReadsCuda) {
  ServeProgram(kCudaUrl, CudaProgram());
  const auto updated = Run(Lock(R"({"name":"cuda","platform":"linux-x86_64"})"));
  ASSERT_TRUE(updated.ok()) << updated.status();
  sdk::VariantsLock lock = updated->lock;
  lock.mutable_variants(0)->clear_size();
  lock.mutable_variants(0)->set_sha256("");
  EXPECT_EQ(FormatLock(lock), R"({
  "artifact": "demo",
  "lock_version": 1,
  "url_template": "https://example.invalid/{version}/{variant}.tar.gz",
  "variants": [
    {
      "format": "tar.gz",
      "name": "cuda",
      "platform": "linux-x86_64",
      "properties": {
        "accelerator": "cuda",
        "cubins": ["sm_75", "sm_86", "sm_90a", "sm_100f"],
        "cuda": "13.5",
        "libc": "glibc-2.31",
        "ptx": [
          {
            "arch": "compute_75",
            "toolkit": "13.5"
          },
          {
            "arch": "compute_90a",
            "toolkit": "13.5"
          },
          {
            "arch": "compute_100f",
            "toolkit": "13.5"
          }
        ],
        "sonames": ["libcudart.so.13"]
      }
    }
  ],
  "version": "0.1.0"
}
)");
}

TEST_F(UpdateTest, EveryFormat) {
  const std::string tar = Tar({{"bin/tool", BuildElf(CpuProgram())}});
  base::TestZip zip;
  zip.entries = {{.name = "tool", .data = BuildElf(CpuProgram())}};
  const std::vector<std::pair<std::string, std::string>> archives = {
      {"tar", tar},
      {"tar.gz", Gzip(tar)},
      {"tar.zst", Zstd(tar)},
      {"zip", BuildZip(zip)},
      {"file", BuildElf(CpuProgram())},
      {"file", Gzip("not a tar file")}};
  for (const auto& [format, bytes] : archives) {
    Serve(kCpuUrl, bytes);
    const auto updated = Run(Lock(kCpuRow));
    ASSERT_TRUE(updated.ok()) << format << updated.status();
    EXPECT_EQ(updated->lock.variants(0).format(), format);
    EXPECT_EQ(updated->lock.variants(0).properties().libc(),
              bytes == archives.back().second ? "" : "glibc-2.31");
  }
}

TEST_F(UpdateTest, StripPrefix) {
  Serve(kCpuUrl, Tar({{"demo-0.1.0/bin/tool", BuildElf(CpuProgram())}}));
  const auto updated =
      Run(Lock(R"({"name":"cpu","platform":"linux-x86_64","strip_prefix":"demo-0.1.0"})"));
  EXPECT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(Changes(Lock(R"({"name":"cpu","platform":"linux-x86_64","strip_prefix":"x"})")),
            "archive: ROOT/served0: entry 'demo-0.1.0/bin/tool': got a name outside it, expected "
            "everything below strip_prefix x");
}

TEST_F(UpdateTest, Parts) {
  const std::string tar = Gzip(Tar({{"bin/tool", BuildElf(CpuProgram())}}));
  Serve("https://example.invalid/0", tar.substr(0, 100));
  Serve("https://example.invalid/1", tar.substr(100));
  const auto updated = Run(
      Lock(R"({"name":"cpu","platform":"linux-x86_64","parts":[)"
           R"({"urls":["https://example.invalid/0"]},{"urls":["https://example.invalid/1"]}]})"));
  ASSERT_TRUE(updated.ok()) << updated.status();
  const sdk::Variant& row = updated->lock.variants(0);
  EXPECT_EQ(row.sha256(), base::Sha256::Of(tar).Hex());
  EXPECT_EQ(row.size(), tar.size());
  EXPECT_EQ(row.parts(0).size(), 100);
  EXPECT_EQ(row.parts(1).sha256(), Sha("https://example.invalid/1"));
  EXPECT_EQ(row.properties().libc(), "glibc-2.31");
}

TEST_F(UpdateTest, RowsThatAreNotAvailableAreNotFetched) {
  const std::string lock =
      Lock(R"({"name":"cpu","platform":"linux-x86_64","not_available":"not built"})");
  EXPECT_EQ(Changes(lock), "");
  EXPECT_TRUE(fetched_.empty());
}

TEST_F(UpdateTest, AFailedFetchEndsIt) {
  EXPECT_EQ(Changes(Lock(kCpuRow)), "no https://example.invalid/0.1.0/cpu.tar.gz");
}

TEST_F(UpdateTest, AddedAndRemovedRows) {
  ServeProgram(kCpuUrl, CpuProgram());
  ServeProgram("https://example.invalid/cuda", CudaProgram());
  options_.removed = {*ParseRow("old@linux-x86_64")};
  options_.added = {*ParseRow("cuda@linux-x86_64=https://example.invalid/cuda"),
                    *ParseRow("cpu@linux-x86_64")};
  EXPECT_EQ(Changes(Lock(R"({"name":"cpu","platform":"linux-x86_64","not_available":"not yet"},)"
                         R"({"name":"old","platform":"linux-x86_64","not_available":"gone"})")),
            absl::StrCat("- old for linux-x86_64\n"
                         "~ cpu for linux-x86_64\n"
                         "  - not_available: not yet\n"
                         "  + size: ",
                         Size(kCpuUrl), "\n  + sha256: ", Sha(kCpuUrl),
                         "\n"
                         "  + format: tar.gz\n"
                         "  + sonames: libssl.so.3\n"
                         "  + libc: glibc-2.31\n"
                         "+ cuda for linux-x86_64\n"
                         "  + urls: https://example.invalid/cuda\n"
                         "  + size: ",
                         Size("https://example.invalid/cuda"),
                         "\n  + sha256: ", Sha("https://example.invalid/cuda"),
                         "\n"
                         "  + format: tar.gz\n"
                         "  + accelerator: cuda\n"
                         "  + cubins: sm_75\n"
                         "  + cubins: sm_86\n"
                         "  + cubins: sm_90a\n"
                         "  + cubins: sm_100f\n"
                         "  + ptx: compute_75 of toolkit 13.5\n"
                         "  + ptx: compute_90a of toolkit 13.5\n"
                         "  + ptx: compute_100f of toolkit 13.5\n"
                         "  + cuda: 13.5\n"
                         "  + sonames: libcudart.so.13\n"
                         "  + libc: glibc-2.31\n"));
}

TEST_F(UpdateTest, WrongRows) {
  options_.removed = {*ParseRow("x@linux-x86_64")};
  EXPECT_EQ(Changes(Lock(kCpuRow)),
            "variants lock: demo.lock.json: got no row x for linux-x86_64 to remove, expected one");
  options_.removed.clear();
  options_.added = {*ParseRow("cpu@linux-x86_64=https://example.invalid/x")};
  EXPECT_EQ(Changes(Lock(kCpuRow)),
            "variants lock: demo.lock.json: cpu for linux-x86_64: got it again, expected a row "
            "that is new or not available");
  options_.added = {*ParseRow("x@linux-x86_64")};
  EXPECT_EQ(Changes(R"({"artifact":"demo","lock_version":1})"),
            "variants lock: demo.lock.json: x for linux-x86_64: got no url, expected "
            "NAME@PLATFORM=URL, as the lock has no url_template");
}

TEST_F(UpdateTest, NewVersion) {
  ServeProgram(kCpuUrl, CpuProgram());
  const std::string lock = FormatLock(Run(Lock(kCpuRow))->lock);
  options_.version = "0.2.0";
  TestElf program = CpuProgram();
  program.needed = {"libc.so.6", "libz.so.1"};
  const std::string url = "https://example.invalid/0.2.0/cpu.tar.gz";
  ServeProgram(url, program);
  EXPECT_EQ(Changes(lock), absl::StrCat("~ version: 0.1.0 -> 0.2.0\n"
                                        "~ cpu for linux-x86_64\n"
                                        "  ~ size: ",
                                        Size(kCpuUrl), " -> ", Size(url),
                                        "\n"
                                        "  ~ sha256: ",
                                        Sha(kCpuUrl), " -> ", Sha(url),
                                        "\n"
                                        "  ~ sonames: libssl.so.3 -> libz.so.1\n"));
}

TEST_F(UpdateTest, SonamesThatNoFileTellsAreKeptOnRequest) {
  ServeProgram(kCpuUrl, CpuProgram());
  sdk::VariantsLock lock = Run(Lock(kCpuRow))->lock;
  lock.mutable_variants(0)->mutable_properties()->add_sonames("libthing.so.1");
  EXPECT_EQ(Changes(FormatLock(lock)),
            "~ cpu for linux-x86_64\n"
            "  - sonames: libthing.so.1\n");
  options_.keep_sonames = true;
  EXPECT_EQ(Changes(FormatLock(lock)), "");
}

TEST_F(UpdateTest, NewVersionMayHaveOtherCode) {
  ServeProgram("https://example.invalid/0.2.0/cuda.tar.gz", CudaProgram());
  options_.version = "0.2.0";
  const auto updated = Run(Lock(
      absl::StrCat(R"({"name":"cuda","platform":"linux-x86_64","format":"tar.gz","sha256":")",
                   std::string(64, '0'),
                   R"(","properties":{"accelerator":"cuda","cuda":"12.8","cubins":["sm_70"]}})")));
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->lock.variants(0).properties().cubins(0), "sm_75");
  EXPECT_EQ(updated->lock.variants(0).properties().cuda(), "13.5");
}

TEST_F(UpdateTest, NewVersionBehindAnOldUrl) {
  options_.version = "0.2.0";
  EXPECT_EQ(Changes(Lock(R"({"name":"cpu","platform":"linux-x86_64",)"
                         R"("urls":["https://example.invalid/cpu-0.1.0.tgz"]})")),
            "variants lock: demo.lock.json: cpu for linux-x86_64: got url "
            "'https://example.invalid/cpu-0.1.0.tgz', expected one of version 0.2.0\n"
            "hint: remove the row and add it with its new url");
}

TEST_F(UpdateTest, OtherBytesBehindAPin) {
  ServeProgram(kCpuUrl, CpuProgram());
  const std::string old(64, '0');
  EXPECT_EQ(Changes(Lock(absl::StrCat(R"({"name":"cpu","platform":"linux-x86_64","sha256":")", old,
                                      R"("})"))),
            absl::StrCat("variants lock: demo.lock.json: cpu for linux-x86_64: got sha256 ",
                         Sha(kCpuUrl), " behind '", kCpuUrl, "', expected ", old,
                         " as pinned before\n"
                         "hint: remove the row and add it again if the new bytes are meant"));
}

TEST_F(UpdateTest, EveryFormOfADigest) {
  ServeProgram(kCpuUrl, CpuProgram());
  const std::string hex = Sha(kCpuUrl);
  const base::Digest::Bytes bytes = base::Digest::FromHex(hex)->bytes();
  const std::string raw(bytes.begin(), bytes.end());
  for (const std::string& text :
       {absl::AsciiStrToUpper(hex), absl::StrCat("sha256-", absl::Base64Escape(raw))}) {
    const auto updated = Run(
        Lock(absl::StrCat(R"({"name":"cpu","platform":"linux-x86_64","sha256":")", text, R"("})")));
    ASSERT_TRUE(updated.ok()) << updated.status();
    EXPECT_EQ(updated->lock.variants(0).sha256(), hex);
  }
  EXPECT_EQ(Changes(Lock(R"({"name":"cpu","platform":"linux-x86_64","sha256":"sha512-x"})")),
            "variants lock: demo.lock.json: cpu for linux-x86_64: sha256: 'sha512-x': got sha512, "
            "expected sha256");
}

// What the row of a CUDA program says, and the message.
struct Contradiction {
  const char* row;
  const char* message;
};

TEST_F(UpdateTest, Contradictions) {
  ServeProgram(kCudaUrl, CudaProgram());
  const Contradiction kContradictions[] = {
      {R"("platform":"linux-aarch64")",
       "cuda for linux-aarch64: got an archive with programs for linux-x86_64, expected programs "
       "for linux-aarch64"},
      {R"("platform":"linux-x86_64","format":"zip")",
       "cuda for linux-x86_64: got an archive of format tar.gz, expected format zip as the row "
       "says"},
      {R"("platform":"linux-x86_64","properties":{"accelerator":"cpu"})",
       "cuda for linux-x86_64: got an archive with CUDA code, expected accelerator cpu as the row "
       "says"},
      {R"("platform":"linux-x86_64","properties":{"accelerator":"cuda","cubins":["sm_86","sm_80"]})",
       "cuda for linux-x86_64: got no code for sm_80 in the archive, which has sm_75, sm_86, "
       "sm_90a, sm_100f, compute_75, compute_90a, compute_100f, expected cubins sm_86, sm_80 as "
       "the row says"},
      {R"("platform":"linux-x86_64","properties":{"ptx":[{"arch":"compute_90","toolkit":"13.5"}]})",
       "cuda for linux-x86_64: got no PTX for compute_90 in the archive, which has sm_75, sm_86, "
       "sm_90a, sm_100f, compute_75, compute_90a, compute_100f, expected PTX compute_90 as the row "
       "says"},
      {R"("platform":"linux-x86_64","properties":{"cuda":"13.2"})",
       "cuda for linux-x86_64: got an archive of CUDA 13.5, expected CUDA 13.2 as the row says"},
      {R"("platform":"linux-x86_64","properties":{"cuda":"14.0"})",
       "cuda for linux-x86_64: got an archive of CUDA 13.5, expected CUDA 14.0 as the row says"},
      {R"("platform":"linux-x86_64","properties":{"libc":"musl-1.2"})",
       "cuda for linux-x86_64: got programs for glibc-2.31, expected libc musl-1.2 as the row "
       "says"},
  };
  for (const Contradiction& contradiction : kContradictions) {
    EXPECT_EQ(Changes(Lock(absl::StrCat(R"({"name":"cuda",)", contradiction.row, "}"))),
              absl::StrCat("variants lock: demo.lock.json: ", contradiction.message));
  }
}

TEST_F(UpdateTest, WhatAgreesStays) {
  ServeProgram(kCudaUrl, CudaProgram());
  const auto updated = Run(
      Lock(R"({"name":"cuda","platform":"linux-x86_64","properties":{"accelerator":"cuda",)"
           R"("cuda":"13.6","cpu_level":"x86-64-v3","cubins":["sm_86"],"libc":"glibc-2.99"}})"));
  ASSERT_TRUE(updated.ok()) << updated.status();
  const sdk::VariantProperties& wants = updated->lock.variants(0).properties();
  EXPECT_EQ(wants.cuda(), "13.6");
  EXPECT_EQ(wants.cpu_level(), "x86-64-v3");
  EXPECT_EQ(wants.cubins_size(), 4);
  EXPECT_EQ(wants.libc(), "glibc-2.31");
}

TEST_F(UpdateTest, AnotherCudnn) {
  TestElf program = CudaProgram();
  program.needed.push_back("libcudnn.so.9");
  ServeProgram(kCudaUrl, program);
  EXPECT_EQ(
      Changes(Lock(R"({"name":"cuda","platform":"linux-x86_64","properties":{"cudnn":"8.9"}})")),
      "variants lock: demo.lock.json: cuda for linux-x86_64: got an archive of cuDNN 9, expected "
      "cuDNN 8.9 as the row says");
}

// PTX as a string in the program, or code in the libraries of the machine.
TEST_F(UpdateTest, CodeThatCannotBeSeen) {
  TestElf program = CpuProgram();
  program.needed = {"libcublas.so.12"};
  ServeProgram(kCudaUrl, program);
  const std::string changes =
      Changes(Lock(R"({"name":"cuda","platform":"linux-x86_64","properties":{"accelerator":"cuda",)"
                   R"("cuda":"12.8","cubins":["sm_86"]}})"));
  EXPECT_EQ(changes.substr(changes.find("  + format")),
            "  + format: tar.gz\n"
            "  + sonames: libcublas.so.12\n"
            "  + libc: glibc-2.31\n"
            "note: cuda for linux-x86_64: no CUDA code was found in the archive; cubins and PTX "
            "stay as they are written\n");
}

TEST_F(UpdateTest, TheResultFollowsTheRules) {
  TestElf program = CpuProgram();
  program.needed = {"libcublas.so.12"};
  ServeProgram(kCudaUrl, program);
  EXPECT_EQ(Changes(Lock(R"({"name":"cuda","platform":"linux-x86_64"})")),
            "variants lock: demo.lock.json: row 0: got the lock names no CUDA code of it, expected "
            "what CUDA code is in it, and of which toolkit");
}

TEST_F(UpdateTest, MuslVersionThatPeopleKnowStays) {
  TestElf program;
  program.interpreter = "/lib/ld-musl-x86_64.so.1";
  ServeProgram(kCpuUrl, program);
  const auto updated =
      Run(Lock(R"({"name":"cpu","platform":"linux-x86_64","properties":{"libc":"musl-1.2"}})"));
  EXPECT_EQ(updated->lock.variants(0).properties().libc(), "musl-1.2");
  EXPECT_EQ(Run(Lock(kCpuRow))->lock.variants(0).properties().libc(), "musl-1.0");
}

TEST_F(UpdateTest, EveryFailureOfTheFileSystemIsTold) {
  ServeProgram(kCpuUrl, CpuProgram());
  const std::string lock = Lock(kCpuRow);
  const std::string good = FormatLock(Run(lock)->lock);
  int n = 1;
  for (;; ++n) {
    base::FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("disk full"));
    const auto updated = Run(lock, faulty);
    if (updated.ok()) {
      EXPECT_EQ(FormatLock(updated->lock), good) << n;
    }
    if (!faulty.failed()) break;
  }
  EXPECT_GT(n, 15);
}

TEST(ParseRowTest, Forms) {
  const RowText row = *ParseRow("cuda-sm90@linux-x86_64=https://example.invalid/a=b@c");
  EXPECT_EQ(row.name, "cuda-sm90");
  EXPECT_EQ(row.platform, "linux-x86_64");
  EXPECT_EQ(row.url, "https://example.invalid/a=b@c");
  EXPECT_EQ(ParseRow("cpu@linux-x86_64")->url, "");
  EXPECT_EQ(ParseRow("cpu").status().message(),
            "row: 'cpu': got something else, expected NAME@PLATFORM or NAME@PLATFORM=URL");
  EXPECT_EQ(ParseRow("cpu@linux-x86_64=").status().message(),
            "row: 'cpu@linux-x86_64=': got no url after '=', expected NAME@PLATFORM=URL");
  for (const char* const text : {"", "@", "a@", "@b", "a@=u", "a=b@c"}) {
    EXPECT_FALSE(ParseRow(text).ok()) << text;
  }
}

TEST(DiffTest, Everything) {
  sdk::VariantsLock before;
  before.set_url_template("x");
  for (const char* const name : {"a", "b", "c"}) {
    sdk::Variant& row = *before.add_variants();
    row.set_name(name);
    row.set_platform("linux-x86_64");
  }
  sdk::VariantsLock after = before;
  EXPECT_EQ(Diff(before, after), "");
  after.clear_url_template();
  after.mutable_variants()->SwapElements(0, 1);
  sdk::VariantProperties& wants = *after.mutable_variants(2)->mutable_properties();
  wants.add_cubins("sm_75");
  sdk::ProviderProperty& property = *wants.add_properties();
  property.set_namespace_("acme");
  property.set_feature("board");
  property.add_values("x1");
  property.add_values("x2");
  EXPECT_EQ(Diff(before, after),
            "- url_template: x\n"
            "~ c for linux-x86_64\n"
            "  + cubins: sm_75\n"
            "  + properties: acme::board = x1, x2\n"
            "~ order: a for linux-x86_64, b for linux-x86_64, c for linux-x86_64 -> "
            "b for linux-x86_64, a for linux-x86_64, c for linux-x86_64\n");
  before = after;
  before.mutable_variants(2)->mutable_properties()->add_cubins("sm_80");
  after.mutable_variants(2)->mutable_properties()->clear_cubins();
  after.mutable_variants(2)->mutable_properties()->add_cubins("sm_80");
  after.mutable_variants(2)->mutable_properties()->add_cubins("sm_75");
  EXPECT_EQ(Diff(before, after),
            "~ c for linux-x86_64\n"
            "  ~ cubins: sm_75, sm_80 -> sm_80, sm_75\n");
}

}  // namespace
}  // namespace rules_inference::lock
