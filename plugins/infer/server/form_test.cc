#include "plugins/infer/server/form.h"

#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace rules_inference::infer {
namespace {

constexpr absl::string_view kType = "multipart/form-data; boundary=XX";

// "\n" stands for a line break.
std::string Lines(absl::string_view text) { return absl::StrReplaceAll(text, {{"\n", "\r\n"}}); }

constexpr absl::string_view kGood =
    "--XX\n"
    "Content-Disposition: form-data; name=\"model\"\n"
    "\n"
    "whisper-1\n"
    "--XX\n"
    "Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\n"
    "Content-Type: audio/wav\n"
    "\n"
    "RIFF\n--X\n--XXY\n"
    "--XX--\n";

std::string Error(absl::string_view type, absl::string_view body, const FormLimits& limits = {}) {
  const auto form = ParseForm(type, body, limits);
  return form.ok() ? "no error" : std::string(form.status().message());
}

// The name in a field whose header is `disposition`.
std::string NameIn(absl::string_view disposition) {
  const std::string body =
      absl::StrCat("--XX\r\nContent-Disposition: ", disposition, "\r\n\r\n\r\n--XX--");
  const auto form = ParseForm(kType, body, {});
  if (!form.ok()) return std::string(form.status().message());
  return absl::StrCat((*form)[0].name, "|", (*form)[0].file_name.value_or("no file"));
}

TEST(FormTest, FieldsAndFiles) {
  const std::string body = Lines(kGood);
  const auto form = ParseForm(kType, body, {});
  ASSERT_TRUE(form.ok()) << form.status();
  ASSERT_EQ(form->size(), 2);
  EXPECT_EQ((*form)[0].name, "model");
  EXPECT_EQ((*form)[0].file_name, std::nullopt);
  EXPECT_EQ((*form)[0].value, "whisper-1");
  EXPECT_EQ((*form)[1].name, "file");
  EXPECT_EQ((*form)[1].file_name, "a.wav");
  EXPECT_EQ((*form)[1].value, "RIFF\r\n--X\r\n--XXY");
}

TEST(FormTest, EmptyForm) {
  const auto form = ParseForm(kType, "--XX--\r\n", {});
  ASSERT_TRUE(form.ok());
  EXPECT_TRUE(form->empty());
}

TEST(FormTest, QuotedBoundary) {
  EXPECT_TRUE(ParseForm("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"",
                        "--a b\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--a b--", {})
                  .ok());
}

TEST(FormTest, SpaceBehindABoundary) {
  EXPECT_TRUE(
      ParseForm(kType, "--XX \t\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--XX--", {})
          .ok());
}

TEST(FormTest, NamesAsClientsQuoteThem) {
  EXPECT_EQ(NameIn(R"(form-data; name="a"; filename="C:\new\x.wav")"), R"(a|C:\new\x.wav)");
  EXPECT_EQ(NameIn(R"(form-data; name="a"; filename="say \"hi\" \\ .wav")"),
            R"(a|say "hi" \ .wav)");
  EXPECT_EQ(NameIn(R"(form-data; name="a%22b")"), "a%22b|no file");
  EXPECT_EQ(NameIn(R"(form-data;name=a;filename=b)"), "a|b");
  EXPECT_EQ(NameIn(R"(form-data; name="a"; filename*=utf-8''%e2%82%ac.wav)"), "a|");
  EXPECT_EQ(NameIn(R"(form-data; name="timestamp_granularities[]")"),
            "timestamp_granularities[]|no file");
}

TEST(FormTest, AnotherContentType) {
  EXPECT_EQ(Error("application/json", "{}"),
            "form: Content-Type: got 'application/json', expected multipart/form-data with a "
            "boundary");
}

TEST(FormTest, NoBoundary) {
  EXPECT_EQ(Error("multipart/form-data; x=1", ""),
            "form: Content-Type: got 'multipart/form-data; x=1', expected multipart/form-data with "
            "a boundary");
}

TEST(FormTest, BadBoundaries) {
  for (const absl::string_view boundary : {"", "\"\"", "\"a", "a\"", "\"a \"", "\"\x01\"", "a;b"}) {
    EXPECT_FALSE(
        ParseForm(absl::StrCat("multipart/form-data; boundary=", boundary), "--a--", {}).ok())
        << boundary;
  }
  EXPECT_FALSE(ParseForm(absl::StrCat("multipart/form-data; boundary=", std::string(71, 'a')),
                         absl::StrCat("--", std::string(71, 'a'), "--"), {})
                   .ok());
}

TEST(FormTest, TwoBoundaries) {
  EXPECT_FALSE(ParseForm("multipart/form-data; boundary=XX; boundary=YY", "--XX--", {}).ok());
}

TEST(FormTest, AnotherBoundary) {
  EXPECT_EQ(Error(kType, "--YY--\r\n"), "form: byte 0: got '--YY', expected the boundary '--XX'");
}

TEST(FormTest, CutAnywhere) {
  const std::string body = Lines(kGood);
  const size_t last = body.rfind("--XX--");
  for (size_t size = 0; size < last + 6; ++size) {
    EXPECT_FALSE(ParseForm(kType, absl::string_view(body).substr(0, size), {}).ok()) << size;
  }
  EXPECT_TRUE(ParseForm(kType, absl::string_view(body).substr(0, last + 6), {}).ok());
  EXPECT_EQ(Error(kType, absl::string_view(body).substr(0, 60)),
            "form: byte 60: got the end of the body, expected the boundary '--XX'");
}

TEST(FormTest, NoName) {
  EXPECT_EQ(Error(kType, "--XX\r\n\r\nvalue\r\n--XX--"),
            "form: byte 6: got no name, expected Content-Disposition: form-data with a name");
  EXPECT_EQ(NameIn("form-data; filename=a"),
            "form: byte 6: got no name, expected Content-Disposition: form-data with a name");
}

TEST(FormTest, TwoNames) {
  EXPECT_EQ(NameIn("form-data; name=a; name=b"),
            "form: byte 6: got 'form-data; name=a; name=b', expected one form-data with a name");
}

TEST(FormTest, AnotherDisposition) {
  EXPECT_EQ(NameIn("attachment; name=a"),
            "form: byte 6: got 'attachment; name=a', expected one form-data with a name");
}

TEST(FormTest, ALineThatIsNoHeader) {
  EXPECT_EQ(Error(kType, "--XX\r\nhello\r\n\r\n\r\n--XX--"),
            "form: byte 6: got 'hello', expected a header");
}

TEST(FormTest, AnEncodedPart) {
  EXPECT_EQ(Error(kType,
                  "--XX\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: form-data; "
                  "name=a\r\n\r\n\r\n--XX--"),
            "form: byte 6: got an encoding of 'base64', expected none");
}

TEST(FormTest, ALongHead) {
  EXPECT_EQ(Error(kType, absl::StrCat("--XX\r\nA: ", std::string(5000, 'a'), "\r\n\r\n")),
            "form: byte 6: got no empty line behind the headers, expected one within 4096 bytes");
}

TEST(FormTest, ALongName) {
  EXPECT_EQ(NameIn(absl::StrCat("form-data; name=", std::string(257, 'a'))),
            "form: byte 6: got a name of 257 bytes, expected at most 256");
}

TEST(FormTest, TooManyFields) {
  std::string body;
  for (int i = 0; i < 4; ++i) {
    absl::StrAppend(&body, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n");
  }
  absl::StrAppend(&body, "--XX--");
  EXPECT_EQ(Error(kType, body, {.fields = 3}),
            "form: byte 159: got one more field, expected at most 3");
  EXPECT_TRUE(ParseForm(kType, body, {.fields = 4}).ok());
}

TEST(FormTest, ALongValue) {
  const std::string body = "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n12345\r\n--XX--";
  EXPECT_EQ(Error(kType, body, {.value = 4}), "form: 'a': got 5 bytes, expected at most 4");
  EXPECT_TRUE(ParseForm(kType, body, {.value = 5}).ok());
}

// What is read of 100,000 damaged bodies is a form or one line, and views stay inside.
TEST(FormTest, DamagedBodies) {
  const std::string good = Lines(kGood);
  const std::vector<std::string> pieces = {"--XX",     "\r\n",
                                           "--XX--",   "\r\n\r\n",
                                           "\"",       "\\",
                                           "; name=",  "; filename=\"",
                                           ":",        "Content-Disposition: form-data",
                                           "\r\n--XX", std::string(1, '\0'),
                                           "\xff"};
  std::mt19937 random(7);
  int forms = 0;
  for (int round = 0; round < 100000; ++round) {
    std::string body = good;
    std::string type(kType);
    for (unsigned edits = 1 + random() % 4; edits > 0; --edits) {
      const size_t at = random() % (body.size() + 1);
      switch (random() % 6) {
        case 0:
          body.insert(at, pieces[random() % pieces.size()]);
          break;
        case 1:
          body.erase(at, random() % 9);
          break;
        case 2:
          if (at < body.size()) body[at] = static_cast<char>(random());
          break;
        case 3:
          body.resize(at);
          break;
        case 4:
          body.insert(at, body.substr(random() % (body.size() + 1), random() % 60));
          break;
        default:
          type[random() % type.size()] = static_cast<char>(random());
      }
    }
    // On the heap with its exact size, so that sanitizers see every byte too far.
    const std::vector<char> exact(body.begin(), body.end());
    const absl::string_view view(exact.data(), exact.size());
    const auto form = ParseForm(type, view, {.fields = 5, .value = 100});
    if (!form.ok()) {
      ASSERT_EQ(form.status().message().find('\n'), absl::string_view::npos);
      ASSERT_LT(form.status().message().size(), 400);
      continue;
    }
    ++forms;
    ASSERT_LE(form->size(), 5);
    for (const FormField& field : *form) {
      ASSERT_FALSE(field.name.empty());
      ASSERT_GE(field.value.data(), view.data());
      ASSERT_LE(field.value.data() + field.value.size(), view.data() + view.size());
    }
  }
  EXPECT_GT(forms, 1000);
}

}  // namespace
}  // namespace rules_inference::infer
