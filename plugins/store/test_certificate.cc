#include "plugins/store/test_certificate.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "openssl/asn1.h"
#include "openssl/bio.h"
#include "openssl/digest.h"
#include "openssl/ec.h"
#include "openssl/ec_key.h"
#include "openssl/evp.h"
#include "openssl/mem.h"
#include "openssl/nid.h"
#include "openssl/pem.h"
#include "openssl/x509.h"
#include "openssl/x509v3.h"

namespace rules_inference::store {
namespace {

constexpr long kHalfDay = 12 * 60 * 60;

std::string TextOf(BIO* bio) {
  const uint8_t* data = nullptr;
  size_t size = 0;
  BIO_mem_contents(bio, &data, &size);
  return std::string(reinterpret_cast<const char*>(data), size);
}

}  // namespace

TestCertificate MakeTestCertificate() {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  EC_KEY_generate_key(ec.get());
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  EVP_PKEY_set1_EC_KEY(key.get(), ec.get());

  bssl::UniquePtr<X509> x509(X509_new());
  X509_set_version(x509.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), -kHalfDay);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), kHalfDay);
  X509_NAME* const name = X509_get_subject_name(x509.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const uint8_t*>("test"), -1,
                             -1, 0);
  X509_set_issuer_name(x509.get(), name);
  X509_set_pubkey(x509.get(), key.get());
  bssl::UniquePtr<GENERAL_NAMES> names(GENERAL_NAMES_new());
  bssl::UniquePtr<GENERAL_NAME> address(GENERAL_NAME_new());
  GENERAL_NAME_set0_value(address.get(), GEN_IPADD, a2i_IPADDRESS("127.0.0.1"));
  bssl::PushToStack(names.get(), std::move(address));
  X509_add1_ext_i2d(x509.get(), NID_subject_alt_name, names.get(), 0, 0);
  X509_sign(x509.get(), key.get(), EVP_sha256());

  TestCertificate result;
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), x509.get());
  result.certificate = TextOf(bio.get());
  bio.reset(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  result.key = TextOf(bio.get());
  return result;
}

}  // namespace rules_inference::store
