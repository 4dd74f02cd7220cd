#include "plugins/store/url.h"

#include <string>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace rules_inference::store {
namespace {

std::string ErrorOf(const char* text) { return std::string(Url::Parse(text).status().message()); }

TEST(UrlTest, Http) {
  const Url url = Url::Parse("HTTPS://User:Pass@Example.invalid/a%20b?token=1#part").value();
  EXPECT_EQ(url.scheme(), Scheme::kHttps);
  EXPECT_EQ(url.origin(), "https://example.invalid:443");
  EXPECT_EQ(url.Printable(), "HTTPS://Example.invalid/a%20b?...");
  EXPECT_EQ(Url::Parse("http://[::1]:8080/").value().origin(), "http://[::1]:8080");
}

TEST(UrlTest, WithoutUser) {
  const Url url = Url::Parse("http://user:pass@example.invalid:81/x?y=z").value();
  EXPECT_EQ(url.WithoutUser().text(), "http://example.invalid:81/x?y=z");
}

TEST(UrlTest, File) {
  EXPECT_EQ(Url::Parse("file:///a/b%20c%25").value().file(), "/a/b c%");
  EXPECT_EQ(Url::Parse("file://localhost/a").value().file(), "/a");
  EXPECT_EQ(ErrorOf("file://host/a"),
            "bad url: file://host/a: got a host, expected file:/// and an absolute path");
  EXPECT_EQ(ErrorOf("file:///a%0"),
            "bad url: file:///a%0: got '%0', expected % and the two hexadecimal digits of a byte "
            "that is not 0");
  EXPECT_EQ(ErrorOf("file:///a%00b"),
            "bad url: file:///a%00b: got '%00', expected % and the two hexadecimal digits of a "
            "byte that is not 0");
  EXPECT_EQ(ErrorOf("file:///a?b"),
            "bad url: file:///a?...: got a query or a fragment, expected a path; %3F is '?', %23 "
            "is '#'");
}

TEST(UrlTest, ResolvesAsABrowserDoes) {
  const Url url = Url::Parse("http://example.invalid:5000/v2/a/?x=1").value();
  EXPECT_EQ(url.Resolve("/b?c=d")->text(), "http://example.invalid:5000/b?c=d");
  EXPECT_EQ(url.Resolve("b")->text(), "http://example.invalid:5000/v2/a/b");
  EXPECT_EQ(url.Resolve("https://other.example.invalid/b")->text(),
            "https://other.example.invalid/b");
  EXPECT_EQ(url.Resolve("file:///etc/passwd")->scheme(), Scheme::kFile);
  EXPECT_EQ(url.Resolve("").status().message(),
            "bad url: http://example.invalid:5000/v2/a/?...: got '', expected a url");
}

TEST(UrlTest, OthersAreRefused) {
  EXPECT_EQ(ErrorOf("ftp://example.invalid/a"),
            "bad url: ftp://example.invalid/a: got 'ftp', expected http, https or file");
  EXPECT_EQ(ErrorOf("/etc/passwd"),
            "bad url: /etc/passwd: got no scheme, expected http, https or file");
  EXPECT_EQ(ErrorOf(""), "bad url: : got no scheme, expected http, https or file");
  EXPECT_EQ(ErrorOf("http:///a"),
            "bad url: http:///a: got no host, expected scheme, host and path");
  EXPECT_EQ(ErrorOf("http://example.invalid/a b"),
            "bad url: http://example.invalid/a b: got a space or a byte that is not printable "
            "ASCII, expected all others written as % and two hexadecimal digits");
  EXPECT_EQ(ErrorOf("http://example.invalid/\x1b[2J"),
            "bad url: http://example.invalid/\\033[2J: got a space or a byte that is not printable "
            "ASCII, expected all others written as % and two hexadecimal digits");
}

TEST(UrlTest, PrintableHidesSecretsOfAnyText) {
  EXPECT_EQ(PrintableUrl("http://a:b@c@host/x@y?z#f"), "http://host/x@y?...");
  EXPECT_EQ(PrintableUrl("user:secret@host/x"), "host/x");
  EXPECT_EQ(PrintableUrl("http://host?secret@x"), "http://host?...");
}

}  // namespace
}  // namespace rules_inference::store
