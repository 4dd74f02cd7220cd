#include "plugins/base/digest.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "openssl/sha.h"
#include "plugins/base/sha256_blocks.h"

namespace rules_inference::base {
namespace {

constexpr char kEmptyHex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct Vector {
  const char* name;
  std::string data;
  const char* hex;
};

// FIPS 180-4 examples and the NIST "short" and "long" ones that need no file.
std::vector<Vector> NistVectors() {
  return {
      {"empty", "", kEmptyHex},
      {"abc", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"896 bits",
       "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmn"
       "o"
       "pqrsmnopqrstnopqrstu",
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {"one byte", "\xbd", "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b"},
      {"four bytes", "\xc9\x8c\x8e\x55",
       "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504"},
      {"55 zeros", std::string(55, '\0'),
       "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"},
      {"56 zeros", std::string(56, '\0'),
       "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"},
      {"64 zeros", std::string(64, '\0'),
       "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"},
      {"1000 times Q", std::string(1000, 'Q'), nullptr},
      {"a million a", std::string(1000000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
}

TEST(Sha256Test, NistVectors) {
  for (const Vector& vector : NistVectors()) {
    if (vector.hex == nullptr) continue;
    EXPECT_EQ(Sha256::Of(vector.data).Hex(), vector.hex) << vector.name;
  }
}

TEST(Sha256Test, EverySplitGivesTheSame) {
  std::string data(200, '\0');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 7);
  const Digest expected = Sha256::Of(data);
  for (size_t split = 0; split <= data.size(); ++split) {
    Sha256 hasher;
    hasher.Update(absl::string_view(data).substr(0, split));
    hasher.Update(absl::string_view(data).substr(split));
    EXPECT_EQ(hasher.Finish(), expected) << split;
  }
}

TEST(Sha256Test, EveryLengthAgreesWithBoringSsl) {
  std::string data;
  for (size_t i = 0; i < 300; ++i) {
    Digest::Bytes expected;
    SHA256(reinterpret_cast<const uint8_t*>(data.data()), data.size(), expected.data());
    EXPECT_EQ(Sha256::Of(data), Digest(expected)) << i;
    data.push_back(static_cast<char>(i * 31 + 5));
  }
}

TEST(Sha256Test, FinishStartsANewStream) {
  Sha256 hasher;
  hasher.Update("abc");
  hasher.Finish();
  EXPECT_EQ(hasher.Finish().Hex(), kEmptyHex);
}

TEST(Sha256Test, UpdateBothEqualsTwoUpdatesForAllAlignments) {
  std::string data(500, '\0');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 13);
  for (const size_t before : {0U, 1U, 63U, 64U, 512U}) {
    for (const size_t length : {0U, 1U, 63U, 64U, 65U, 128U, 500U}) {
      const absl::string_view part = absl::string_view(data).substr(0, length);
      Sha256 stream;
      Sha256 stream_expected;
      stream.Update(std::string(before, 'x'));
      stream_expected.Update(std::string(before, 'x'));
      Sha256 file;
      Sha256::UpdateBoth(stream, file, part);
      stream_expected.Update(part);
      EXPECT_EQ(file.Finish(), Sha256::Of(part)) << before << " " << length;
      EXPECT_EQ(stream.Finish(), stream_expected.Finish()) << before << " " << length;
    }
  }
}

TEST(Sha256BlocksTest, ShaInstructionsAgreeWithBoringSsl) {
  const Sha256Blocks* sha_ni = ShaNiSha256Blocks();
  if (sha_ni == nullptr) GTEST_SKIP() << "this machine has no SHA instructions";
  std::mt19937 random(1);
  std::vector<uint8_t> data(64 * 5 + 3);
  for (int round = 0; round < 200; ++round) {
    uint32_t a[8], b[8], c[8], d[8];
    for (size_t i = 0; i < 8; ++i) {
      a[i] = b[i] = static_cast<uint32_t>(random());
      c[i] = d[i] = static_cast<uint32_t>(random());
    }
    for (uint8_t& byte : data) byte = static_cast<uint8_t>(random());
    const size_t blocks = static_cast<size_t>(round) % 6;
    const uint8_t* unaligned = data.data() + round % 4;
    PortableSha256Blocks().two(a, c, unaligned, blocks);
    sha_ni->two(b, d, unaligned, blocks);
    for (size_t i = 0; i < 8; ++i) {
      ASSERT_EQ(a[i], b[i]);
      ASSERT_EQ(c[i], d[i]);
    }
    PortableSha256Blocks().one(a, unaligned, blocks);
    sha_ni->one(b, unaligned, blocks);
    for (size_t i = 0; i < 8; ++i) ASSERT_EQ(a[i], b[i]);
  }
}

TEST(DigestTest, TextAndBack) {
  const Digest digest = Sha256::Of("");
  EXPECT_EQ(digest.ToString(), std::string("sha256:") + kEmptyHex);
  EXPECT_EQ(Digest::Parse(digest.ToString()).value(), digest);
  EXPECT_EQ(Digest::FromHex(kEmptyHex).value(), digest);
  EXPECT_EQ(Digest::FromRaw(std::string(digest.bytes().begin(), digest.bytes().end())).value(),
            digest);
}

TEST(DigestTest, RefusesEverythingElse) {
  const std::string hex = kEmptyHex;
  struct Case {
    std::string text;
    std::string message;
  };
  const Case cases[] = {
      {"", "digest: '': got '', expected 'sha256:' and 64 lower-case hexadecimal digits"},
      {hex, "digest: '" + hex +
                "': got 'e3b0c44', expected 'sha256:' and 64 lower-case hexadecimal digits"},
      {"SHA256:" + hex,
       "digest: 'SHA256:" + hex +
           "': got 'SHA256:', expected 'sha256:' and 64 lower-case hexadecimal digits"},
      {"sha256:" + hex.substr(1),
       "digest: '" + hex.substr(1) + "': got 63 digits, expected 64 lower-case hexadecimal digits"},
      {"sha256:" + hex + "0",
       "digest: '" + hex + "0': got 65 digits, expected 64 lower-case hexadecimal digits"},
      {"sha256:E" + hex.substr(1),
       "digest: 'E" + hex.substr(1) + "': got 'E3', expected 64 lower-case hexadecimal digits"},
      {"sha256:../.." + hex.substr(5),
       "digest: '../.." + hex.substr(5) + "': got '..', expected 64 lower-case hexadecimal digits"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Digest::Parse(c.text).status().message(), c.message);
  }
}

}  // namespace
}  // namespace rules_inference::base
