#include "plugins/models/source.h"

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/models/hub.h"

namespace rules_inference::models {
namespace {

constexpr char kCommit[] = "5359861c739e955e79d9a303bcbc70fb988958b1";

// "kind name variant place revision", or what is wrong.
std::string Parsed(absl::string_view text) {
  const absl::StatusOr<Source> source = ParseSource(text, "/w");
  if (!source.ok()) return std::string(source.status().message());
  return absl::StrCat(source->kind == Source::Kind::kHub   ? "hub"
                      : source->kind == Source::Kind::kUrl ? "url"
                                                           : "file",
                      " ", source->name, " ", source->variant, " ", source->place, " ",
                      source->revision);
}

// A hub of a map from url to body and "Link".
HubGet Hub(const std::map<std::string, HubAnswer>& answers) {
  return [answers](const std::string& url) -> absl::StatusOr<HubAnswer> {
    const auto found = answers.find(url);
    if (found == answers.end()) return absl::NotFoundError(url);
    return found->second;
  };
}

TEST(SourceTest, OfAllKinds) {
  EXPECT_EQ(Parsed("hf://h.invalid/o/whisper.cpp"),
            "hub whisper_cpp  https://h.invalid/o/whisper.cpp main");
  EXPECT_EQ(Parsed("hf://h.invalid/o/n@refs/pr/1"), "hub n  https://h.invalid/o/n refs/pr/1");
  EXPECT_EQ(Parsed("w:q5_1=http://127.0.0.1:80/o/n/tree/v1"),
            "hub w q5_1 http://127.0.0.1:80/o/n v1");
  EXPECT_EQ(Parsed("https://h.invalid/a/ggml-base.en-q5_1.bin?x=y"),
            "url ggml_base_en_q5_1  https://h.invalid/a/ggml-base.en-q5_1.bin?x=y ");
  EXPECT_EQ(Parsed("m=dir/x.gguf"), "file m  /w/dir/x.gguf ");
  EXPECT_EQ(Parsed("/d/x.gguf"), "file x  /d/x.gguf ");
}

TEST(SourceTest, WhatIsNone) {
  const std::string expected =
      ", expected [NAME[:VARIANT]=] and hf://HOST/owner/name[@REVISION], a url or a path";
  EXPECT_EQ(Parsed("hf://h.invalid/n"),
            "source: 'hf://h.invalid/n': got something else" + expected);
  EXPECT_EQ(Parsed("ftp://h/n"), "source: 'ftp://h/n': got scheme 'ftp'" + expected);
  EXPECT_EQ(Parsed("m="), "source: 'm=': got nothing" + expected);
  EXPECT_EQ(Parsed("M=x"),
            "source: 'M=x': got name 'M', expected NAME or NAME:VARIANT of lower-case letters, "
            "digits, '-', '_' and '.'");
}

TEST(SourceTest, Globs) {
  EXPECT_TRUE(Matches("*.bin", "a/b.bin"));
  EXPECT_TRUE(Matches("a/*.bin", "a/b.bin"));
  EXPECT_FALSE(Matches("a/*.bin", "a/b/c.bin"));
  EXPECT_TRUE(Matches("a/**.bin", "a/b/c.bin"));
  EXPECT_TRUE(Matches("ggml-base.en?*", "ggml-base.en.bin"));
  EXPECT_FALSE(Matches("b.bin", "bb.bin"));
}

TEST(HubTest, PagesOfOneCommit) {
  const std::string api = "https://h.invalid/api/models/o/n";
  const std::string first = absl::StrCat(api, "/tree/", kCommit, "?recursive=true&expand=true");
  const auto hub = AskHub(
      "https://h.invalid/o/n", "feature/x",
      Hub({{api + "/revision/feature%2Fx",
            {absl::StrCat("{\"sha\": \"", kCommit, "\", \"cardData\": {\"license\": \"mit\"}}"),
             ""}},
           {first,
            {R"([{"type": "directory", "path": "d", "oid": "x"},
                 {"type": "file", "path": "d/a", "size": 3, "oid": "y"}])",
             "<https://h.invalid/api/next?cursor=1>; rel=\"next\""}},
           {"https://h.invalid/api/next?cursor=1",
            {R"([{"type": "file", "path": "b.gguf", "size": 5, "securityFileStatus": {"status":
                 "safe"}, "lfs": {"oid": "00ff", "size": 5, "pointerSize": 9}}])",
             ""}}}));
  ASSERT_TRUE(hub.ok()) << hub.status();
  EXPECT_EQ(hub->commit, kCommit);
  EXPECT_EQ(hub->licence, "mit");
  ASSERT_EQ(hub->files.size(), 2U);
  EXPECT_EQ(hub->files[0].path, "d/a");
  EXPECT_EQ(hub->files[0].sha256, "");
  EXPECT_EQ(hub->files[1].sha256, "00ff");
  EXPECT_EQ(hub->files[1].scan, "safe");
}

TEST(HubTest, AnswersThatCannotBe) {
  const std::string api = "https://h.invalid/api/models/o/n";
  const auto ask = [&](const std::string& revision, const std::string& body,
                       const std::string& link = "") {
    return std::string(
        AskHub("https://h.invalid/o/n", revision,
               Hub({{absl::StrCat(api, "/revision/", revision), {body, ""}},
                    {absl::StrCat(api, "/tree/", kCommit, "?recursive=true&expand=true"),
                     {"[]", link}}}))
            .status()
            .message());
  };
  EXPECT_EQ(
      ask("main", "{\"sha\": \"main\"}"),
      "hub: https://h.invalid/api/models/o/n/revision/main: got sha 'main', expected a commit, "
      "40 or 64 lower-case hex digits");
  EXPECT_EQ(ask("main", "<html>"),
            "hub: https://h.invalid/api/models/o/n/revision/main: byte 0: got '<', expected an "
            "object");
  EXPECT_EQ(
      ask("1111111111111111111111111111111111111111", absl::StrCat("{\"sha\": \"", kCommit, "\"}")),
      "hub: https://h.invalid/api/models/o/n/revision/1111111111111111111111111111111111111111"
      ": got commit 5359861c739e955e79d9a303bcbc70fb988958b1, expected "
      "1111111111111111111111111111111111111111");
  EXPECT_EQ(ask("main", absl::StrCat("{\"sha\": \"", kCommit, "\"}"),
                "<https://other.invalid/x>; rel=\"next\""),
            "hub: https://h.invalid/api/models/o/n/revision/main: got a next page at "
            "'https://other.invalid/x', expected one at https://h.invalid");
}

TEST(HubTest, UrlsOfFiles) {
  EXPECT_EQ(
      ResolveUrl("https://h.invalid/o/n", kCommit, "d/a b%?.bin"),
      "https://h.invalid/o/n/resolve/5359861c739e955e79d9a303bcbc70fb988958b1/d/a%20b%25%3F.bin");
  EXPECT_EQ(FileUrl("/a b#ü"), "file:///a%20b%23%C3%BC");
}

}  // namespace
}  // namespace rules_inference::models
