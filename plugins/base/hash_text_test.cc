#include "plugins/base/hash_text.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"

namespace rules_inference::base {
namespace {

// sha256("abc") as sha256sum, nix-hash --base32 and openssl | base64 print it.
constexpr char kHex[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kNix[] = "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s";
constexpr char kBase64[] = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

std::string Message(absl::string_view text) {
  return std::string(ParseSha256(text).status().message());
}

TEST(HashTextTest, EveryFormGivesTheSameDigest) {
  for (const std::string& text :
       {std::string(kHex), absl::AsciiStrToUpper(kHex), absl::StrCat("sha256:", kHex),
        std::string(kNix), absl::StrCat("sha256:", kNix), absl::StrCat("sha256-", kBase64)}) {
    const absl::StatusOr<Digest> digest = ParseSha256(text);
    ASSERT_TRUE(digest.ok()) << digest.status();
    EXPECT_EQ(digest->Hex(), kHex) << text;
  }
}

TEST(HashTextTest, Extremes) {
  EXPECT_EQ(ParseSha256(absl::StrCat("1", std::string(51, 'z')))->Hex(), std::string(64, 'f'));
  EXPECT_EQ(ParseSha256(std::string(52, '0'))->Hex(), std::string(64, '0'));
  EXPECT_EQ(ParseSha256(absl::StrCat("sha256-", std::string(42, '/'), "8="))->Hex(),
            std::string(64, 'f'));
  // sha256(""): another value, so that no byte order fits by accident.
  EXPECT_EQ(ParseSha256("0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73")->Hex(),
            Sha256::Of("").Hex());
}

TEST(HashTextTest, WrongLength) {
  EXPECT_EQ(Message(""),
            "sha256: '': got 0 characters, expected 64 hexadecimal digits, 52 digits of Nix's base "
            "32, or 'sha256-' and 44 of base64");
  EXPECT_EQ(Message("sha256:abcd"),
            "sha256: 'sha256:abcd': got 4 characters, expected 64 hexadecimal digits, 52 digits of "
            "Nix's base 32, or 'sha256-' and 44 of base64");
  for (const size_t size : {1U, 51U, 53U, 63U, 65U, 128U}) {
    EXPECT_FALSE(ParseSha256(std::string(size, '0')).ok()) << size;
  }
}

TEST(HashTextTest, WrongDigit) {
  std::string hex = kHex;
  hex[9] = 'g';
  EXPECT_EQ(Message(hex), absl::StrCat("sha256: '", hex,
                                       "': got 'g' as character 10, expected hexadecimal digits"));
  std::string nix = absl::StrCat("sha256:", kNix);
  nix[8] = 'e';
  EXPECT_EQ(Message(nix), absl::StrCat("sha256: '", nix,
                                       "': got 'e' as character 9, expected digits and letters "
                                       "without e, o, t and u"));
}

TEST(HashTextTest, NixDigitThatDoesNotFit) {
  std::string nix = kNix;
  nix[0] = '2';
  EXPECT_EQ(Message(nix), absl::StrCat("sha256: '", nix,
                                       "': got more than 256 bits, expected '0' or '1' as first "
                                       "digit of Nix's base 32"));
}

// What a fill-in script of a real project wrote: Nix's base 32 in a field of SRI.
TEST(HashTextTest, NixInSri) {
  const std::string text = absl::StrCat("sha256-", kNix);
  EXPECT_EQ(Message(text), absl::StrCat("sha256: '", text,
                                        "': got 52 characters after 'sha256-', expected 44 of "
                                        "base64, the last one '='"));
}

TEST(HashTextTest, Base64MustBeCanonical) {
  std::string text = absl::StrCat("sha256-", kBase64);
  text[text.size() - 2] = '1';
  EXPECT_EQ(Message(text), absl::StrCat("sha256: '", text,
                                        "': got bits after the 256th, expected zeros there: a "
                                        "canonical base64"));
  text = absl::StrCat("sha256-", std::string(44, 'A'));
  EXPECT_EQ(Message(text), absl::StrCat("sha256: '", text,
                                        "': got no '=' at the end, expected 44 characters of "
                                        "base64, the last one '='"));
  text = absl::StrCat("sha256-", std::string(42, 'A'), "==");
  EXPECT_EQ(Message(text),
            absl::StrCat("sha256: '", text,
                         "': got '=' as character 50, expected letters, digits, '+' and '/', then "
                         "one '=' at the end"));
  text = absl::StrCat("sha256-", std::string(20, 'A'), "-", std::string(22, 'A'), "=");
  EXPECT_EQ(Message(text),
            absl::StrCat("sha256: '", text,
                         "': got '-' as character 28, expected letters, digits, '+' and '/', then "
                         "one '=' at the end"));
}

TEST(HashTextTest, OtherAlgorithm) {
  EXPECT_EQ(Message("sha512-AAAA"), "sha256: 'sha512-AAAA': got sha512, expected sha256");
  EXPECT_EQ(Message("md5:d41d"), "sha256: 'md5:d41d': got md5, expected sha256");
}

TEST(HashTextTest, WhatSurroundsItIsNotSkipped) {
  EXPECT_FALSE(ParseSha256(absl::StrCat(" ", kHex)).ok());
  EXPECT_FALSE(ParseSha256(absl::StrCat(kHex, "\n")).ok());
  EXPECT_FALSE(ParseSha256(absl::StrCat("SHA256:", kHex)).ok());
  EXPECT_FALSE(ParseSha256(absl::StrCat("sha256:sha256:", kHex)).ok());
  EXPECT_FALSE(ParseSha256(absl::StrCat("sha256:", kBase64)).ok());
  EXPECT_FALSE(ParseSha256(absl::StrCat("sha256-", kBase64, "?x")).ok());
}

}  // namespace
}  // namespace rules_inference::base
