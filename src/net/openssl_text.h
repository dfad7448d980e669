// What the files that call OpenSSL share: owning pointers and errors as values. Included by sources
// only.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace kpp::net {

template <auto Free>
struct OpensslDeleter {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using BioPtr = std::unique_ptr<BIO, OpensslDeleter<&BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, OpensslDeleter<&X509_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, OpensslDeleter<&EVP_PKEY_free>>;

// "what: reason" from OpenSSL's queue of errors, which is empty afterwards.
Status openssl_error(std::string_view what);
std::string openssl_error_text();

// Lower-case hexadecimal.
std::string hex(const unsigned char* bytes, std::size_t size);

// What a subject says: CN and the list of O.
void read_subject(const X509* certificate, std::string& common_name,
                  std::vector<std::string>& organizations);

}  // namespace kpp::net
