#include "plugins/models/lock.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/memory_file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/model.pb.h"

namespace rules_inference::models {
namespace {

constexpr absl::string_view kGood =
    "4baf70dd0d7c4247ba2b81fafd9c01005ac77c2f9ef064e00dcf195d0e2fdd2f";

std::string Full() {
  base::RealFileSystem fs;
  const auto text = base::ReadFile(fs, "plugins/models/testdata/full.lock.json", 1 << 20);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.ok() ? *text : "";
}

// A lock with one model of these files: path and url.
sdk::ModelsLock LockOf(const std::vector<std::string>& paths) {
  sdk::ModelsLock lock;
  lock.set_lock_version(1);
  sdk::Model& model = *lock.add_models();
  model.set_name("m");
  for (const std::string& path : paths) {
    sdk::ModelFile& file = *model.add_files();
    file.set_path(path);
    file.set_size(9);
    file.set_sha256(std::string(kGood));
    file.set_format("other");
    file.add_urls("https://example.invalid/x");
  }
  return lock;
}

std::string Check(const sdk::ModelsLock& lock) {
  return std::string(CheckLock(lock, "l", nullptr).message());
}

// What is wrong with the full lock after a change of its text.
std::string Changed(absl::string_view from, absl::string_view to) {
  const auto lock = ParseLock("l", absl::StrReplaceAll(Full(), {{from, to}}));
  return lock.ok() ? "" : std::string(lock.status().message());
}

TEST(LockTest, FormattingWhatWasReadGivesItAgain) {
  const auto lock = ParseLock("l", Full());
  ASSERT_TRUE(lock.ok()) << lock.status();
  EXPECT_EQ(FormatLock(*lock), Full());
}

TEST(LockTest, ModelsAndFilesAreSortedWhenWritten) {
  sdk::ModelsLock lock = LockOf({"b", "a"});
  *lock.add_models() = lock.models(0);
  lock.mutable_models(1)->set_name("a");
  ASSERT_TRUE(Normalize(lock, "l").ok());
  EXPECT_EQ(lock.models(0).name(), "a");
  EXPECT_EQ(lock.models(0).files(0).path(), "a");
}

TEST(LockTest, StrictJson) {
  EXPECT_EQ(Changed("\"licence\"", "\"license\""),
            "l: line 39, column 7: got unknown field 'license', expected a field of "
            "rules_inference.sdk.Model");
  EXPECT_EQ(Changed("\"lock_version\": 1", "\"lock_version\": 2"),
            "models lock: l: got lock_version 2, expected 1");
}

TEST(LockTest, NamesAndRevisions) {
  EXPECT_EQ(Changed("\"name\": \"tiny\"", "\"name\": \"Tiny\""),
            "models lock: l: got model 'Tiny', expected a name of lower-case letters, digits, '-', "
            "'_' and '.', a letter first");
  EXPECT_EQ(Changed("\"variant\": \"f16\"", "\"variant\": \"q5_1\""),
            "models lock: l: whisper_base_en:q5_1: got it a second time, expected one row per "
            "model and variant");
  EXPECT_EQ(Changed("\"revision\": \"1111111111111111111111111111111111111111\"",
                    "\"revision\": \"main\""),
            "models lock: l: tiny: got revision 'main', expected a commit, 40 or 64 lower-case hex "
            "digits");
  EXPECT_EQ(Changed("\"source\": \"https://hub.example.invalid/o/tiny\"", "\"source\": \"\""),
            "models lock: l: tiny: got a revision without a source, expected both or neither");
}

// B6, row 8.
TEST(LockTest, PathsThatEscapeOrDifferBetweenSystems) {
  const auto check = [](const std::string& path) { return Check(LockOf({path})); };
  EXPECT_EQ(check("a/../b"),
            "models lock: l: m: path: 'a/../b': got component '..', expected no '.' and no '..'");
  EXPECT_EQ(check("/etc/x"),
            "models lock: l: m: path: '/etc/x': got an absolute path, expected a relative path");
  EXPECT_EQ(
      check("//server/share/x"),
      "models lock: l: m: path: '//server/share/x': got an absolute path, expected a relative "
      "path");
  EXPECT_EQ(check("C:x"),
            "models lock: l: m: path: 'C:x': got a drive letter, expected a relative path");
  EXPECT_EQ(check("a\\b"),
            "models lock: l: m: path: 'a\\\\b' at byte 1: got a backslash, expected '/' between "
            "components");
  EXPECT_EQ(
      check("\\\\server\\x"),
      "models lock: l: m: path: '\\\\\\\\server\\\\x' at byte 0: got a backslash, expected '/' "
      "between components");
  EXPECT_EQ(check(std::string("a\0b", 3)),
            "models lock: l: m: path: 'a\\000b' at byte 1: got control character 0, expected "
            "printable characters");
  EXPECT_EQ(check("a./b"),
            "models lock: l: m: path: 'a./b': got component 'a.', expected no dot and no space at "
            "the end of a component");
  EXPECT_EQ(check("nul.bin"),
            "models lock: l: m: path: 'nul.bin': got component 'nul.bin', expected no reserved "
            "device name");
  EXPECT_EQ(check(std::string(256, 'a')),
            absl::StrCat("models lock: l: m: path: '", std::string(200, 'a'),
                         "'...: got a component of 256 bytes, expected at most 255"));
  EXPECT_EQ(check("d/"), "models lock: l: m: got path 'd/', expected one of a file");
  EXPECT_EQ(check(""), "models lock: l: m: path: '': got an empty path, expected a relative path");
}

TEST(LockTest, PathsThatAreOneOnSomeFileSystem) {
  EXPECT_EQ(Check(LockOf({"A", "a"})),
            "models lock: l: m: got paths 'A' and 'a', expected paths that differ on every file "
            "system");
  EXPECT_EQ(Check(LockOf({"a", "a"})),
            "models lock: l: m: got path 'a' twice, expected paths that differ on every file "
            "system");
  EXPECT_EQ(Check(LockOf({"a", "a-b", "a/b"})),
            "models lock: l: m: got files 'a' and 'a/b', expected no file below a file");
}

// B6, row 9.
TEST(LockTest, DigestsOfAllForms) {
  const auto check = [](const std::string& sha256) {
    sdk::ModelsLock lock = LockOf({"x"});
    lock.mutable_models(0)->mutable_files(0)->set_sha256(sha256);
    const auto parsed = ParseLock("l", FormatLock(lock));
    return parsed.ok() ? parsed->models(0).files(0).sha256()
                       : std::string(parsed.status().message());
  };
  EXPECT_EQ(check("4BAF70DD0D7C4247BA2B81FAFD9C01005AC77C2F9EF064E00DCF195D0E2FDD2F"), kGood);
  EXPECT_EQ(check("sha256-S69w3Q18Qke6K4H6/ZwBAFrHfC+e8GTgDc8ZXQ4v3S8="), kGood);
  EXPECT_EQ(check("sha1-S69w3Q18Qke6K4H6/ZwBAFrHfC8="),
            "models lock: l: m: 'x': sha256: 'sha1-S69w3Q18Qke6K4H6/ZwBAFrHfC8=': got sha1, "
            "expected sha256");
  for (const size_t size : {39U, 40U, 63U, 65U}) {
    const std::string text(size, 'a');
    EXPECT_EQ(check(text),
              absl::StrCat("models lock: l: m: 'x': sha256: '", text, "': got ", size,
                           " characters, expected 64 hexadecimal digits, 52 digits of Nix's base "
                           "32, or 'sha256-' and 44 of base64"));
  }
  EXPECT_EQ(check(""),
            "models lock: l: m: 'x': sha256: '': got 0 characters, expected 64 hexadecimal digits, "
            "52 digits of Nix's base 32, or 'sha256-' and 44 of base64");
  EXPECT_EQ(check(std::string(64, '0')),
            "models lock: l: m: x: got a sha256 of zeros, expected the digest of the file");
}

TEST(LockTest, SizesUrlsAndFormats) {
  EXPECT_EQ(Changed("\"size\": 100", "\"size\": 0"),
            "models lock: l: tiny: model-00001-of-00002.safetensors: got size 0, expected its size "
            "in bytes");
  EXPECT_EQ(Changed("[\"https://mirror.example.invalid/1\"]", "[]"),
            "models lock: l: tiny: model-00001-of-00002.safetensors: got no urls, expected one at "
            "least");
  EXPECT_EQ(Changed("\"format\": \"ggml\"", "\"format\": \"exe\""),
            "models lock: l: whisper_base_en:f16: ggml-base.en.bin: got format 'exe', expected one "
            "of ggml, gguf, json, onnx, other, pickle, safetensors, text, tflite");
}

TEST(LockTest, UrlsThatMove) {
  const auto check = [](absl::string_view url) {
    return std::string(CheckUrl(url, "l").message());
  };
  EXPECT_EQ(
      check("https://h.invalid/o/n/resolve/main/x"),
      "models lock: l: got url 'https://h.invalid/o/n/resolve/main/x', in which 'main' moves, "
      "expected an address whose bytes stay");
  EXPECT_EQ(
      check("https://h.invalid/o/n/resolve/v1.0/x"),
      "models lock: l: got url 'https://h.invalid/o/n/resolve/v1.0/x', in which 'v1.0' moves, "
      "expected the commit, 40 or 64 hex digits");
  EXPECT_EQ(check("https://h.invalid/dl?version=latest"),
            "models lock: l: got url 'https://h.invalid/dl?...', in which 'latest' moves, expected "
            "an address whose bytes stay");
  EXPECT_EQ(check("https://me:secret@h.invalid/x"),
            "models lock: l: got url 'https://h.invalid/x' with a user, expected credentials in "
            "netrc, not in a lock");
  EXPECT_EQ(check("ftp://h.invalid/x"),
            "models lock: l: got url 'ftp://h.invalid/x', expected https://, http:// or file:///");
  EXPECT_EQ(check("https://h.invalid/o/n/resolve/5359861c739e955e79d9a303bcbc70fb988958b1/x"), "");
  EXPECT_EQ(check("file:///data/main/x"), "");
  // A digest or a commit says which bytes, whatever the folders beside it are called.
  const std::string digest(64, 'd');
  EXPECT_EQ(check(absl::StrCat("https://h.invalid/main/models/", digest, "/base.en.pt")), "");
  EXPECT_EQ(check("https://h.invalid/o/n/5359861c739e955e79d9a303bcbc70fb988958b1/main/x"), "");
  EXPECT_NE(check(absl::StrCat("https://h.invalid/", digest, "/x?version=latest")), "");
  EXPECT_NE(check(absl::StrCat("https://h.invalid/o/n/resolve/main/", digest)), "");
}

// B6, row 11.
TEST(LockTest, ShardsThatAreMissing) {
  EXPECT_EQ(Check(LockOf({"m-00001-of-00003.gguf", "m-00003-of-00003.gguf"})),
            "models lock: l: m: got no shard 'm-00002-of-00003.gguf', expected all 3 of "
            "'m-00001-of-00003.gguf'");
  EXPECT_EQ(Check(LockOf({"m-00004-of-00003.gguf"})),
            "models lock: l: m: got shard 4 of 3, 'm-00004-of-00003.gguf', expected a number up to "
            "the count, which is at most 100000");
  EXPECT_EQ(Check(LockOf({"m-00000-of-00002.gguf", "m-00001-of-00002.gguf"})), "");
  EXPECT_EQ(Check(LockOf({"flow-of-data.bin", "1-of-2"})), "");
  EXPECT_EQ(
      Changed("            \"model-00002-of-00002.safetensors\"\n",
              "            \"model-00002-of-00002.safetensors\",\n            \"more.bin\"\n"),
      "models lock: l: tiny: got no shard 'more.bin', expected all that "
      "'model.safetensors.index.json' names");
}

TEST(LockTest, WhatIsAllowedAndNotGood) {
  sdk::ModelsLock lock = LockOf({"x.pt"});
  lock.mutable_models(0)->mutable_files(0)->set_format("pickle");
  lock.mutable_models(0)->mutable_files(0)->set_urls(0, "file:///x.pt");
  std::vector<std::string> warnings;
  EXPECT_TRUE(CheckLock(lock, "l", &warnings).ok());
  EXPECT_EQ(warnings, (std::vector<std::string>{
                          "l: m: x.pt: is on this machine only",
                          "l: m: x.pt: is a pickle, which runs code when it is loaded"}));
}

TEST(LockTest, WriteIsWholeOrNotAtAll) {
  const auto lock = ParseLock("l", Full());
  ASSERT_TRUE(lock.ok()) << lock.status();
  for (int fail_at = 1;; ++fail_at) {
    base::MemoryFileSystem memory;
    memory.files["m.json"] = "old";
    base::FaultyFileSystem fs(memory, fail_at, absl::ResourceExhaustedError("disk full"));
    const absl::Status status = WriteLock(fs, "m.json", *lock);
    EXPECT_EQ(memory.files["m.json"], status.ok() ? Full() : "old");
    if (!fs.failed()) break;
  }
}

TEST(LockTest, AWrongLockIsNotWritten) {
  base::MemoryFileSystem fs;
  EXPECT_FALSE(WriteLock(fs, "m.json", LockOf({"../x"})).ok());
  EXPECT_TRUE(fs.files.empty());
}

TEST(LockTest, Diff) {
  const auto before = ParseLock("l", Full());
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(Diff(*before, *before), "");
  sdk::ModelsLock after = *before;
  after.mutable_models(0)->set_revision("2222222222222222222222222222222222222222");
  after.mutable_models(0)->mutable_files(0)->set_sha256(std::string(kGood));
  after.mutable_models(0)->mutable_files(0)->set_size(2700);
  after.mutable_models()->SwapElements(1, 2);
  after.mutable_models()->RemoveLast();
  *after.add_models() = LockOf({"x"}).models(0);
  EXPECT_EQ(Diff(*before, after),
            "- whisper_base_en:f16: 1 file, 148.0 MB\n"
            "~ tiny\n"
            "  ~ revision: 1111111111111111111111111111111111111111 -> "
            "2222222222222222222222222222222222222222\n"
            "  ~ config.json: 27 B -> 2.7 kB, sha256 000000000000 -> 4baf70dd0d7c\n"
            "+ m: 1 file, 9 B\n"
            "  + x: other, 9 B, sha256 4baf70dd0d7c\n");
  after = *before;
  after.mutable_models()->SwapElements(1, 2);
  EXPECT_EQ(Diff(*before, after),
            "~ order: tiny, whisper_base_en:f16, whisper_base_en:q5_1 -> tiny, "
            "whisper_base_en:q5_1, whisper_base_en:f16\n");
}

// As many as the zoos of public models have.
TEST(LockTest, FourHundredModelsInLessThanASecond) {
  sdk::ModelsLock lock;
  lock.set_lock_version(1);
  for (int i = 0; i < 400; ++i) {
    *lock.add_models() = LockOf({"model.onnx"}).models(0);
    lock.mutable_models(i)->set_name(absl::StrCat("m", i));
  }
  const std::string text = FormatLock(lock);
  const absl::Time start = absl::Now();
  EXPECT_TRUE(ParseLock("l", text).ok());
  EXPECT_LT(absl::Now() - start, absl::Seconds(1));
}

}  // namespace
}  // namespace rules_inference::models
