#include "kubelet/certificates/certificate_store.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/fs.h"

namespace kpp::kubelet {
namespace {

constexpr std::size_t kLargestFile = 1u << 20;

// "2026-01-02-15-04-05", in UTC.
std::string stamp(WallTime now) {
  std::string out = rfc3339(now);
  out.pop_back();
  for (char& c : out) {
    if (c == 'T' || c == ':') c = '-';
  }
  return out;
}

}  // namespace

Result<net::x509::KeyPair> split_pem(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kDashes = "-----";
  net::x509::KeyPair out;
  for (auto begin = text.find(kBegin); begin != std::string_view::npos; begin = text.find(kBegin)) {
    text.remove_prefix(begin);
    const auto label_end = text.find(kDashes, kBegin.size());
    if (label_end == std::string_view::npos) break;
    const std::string label(text.substr(kBegin.size(), label_end - kBegin.size()));
    const std::string end_line = cat("-----END ", label, kDashes);
    const auto end = text.find(end_line);
    if (end == std::string_view::npos) break;
    const std::string_view block = text.substr(0, end + end_line.size());
    if (label == "CERTIFICATE") out.certificate_pem += cat(block, "\n");
    if (label.ends_with("PRIVATE KEY")) out.key_pem = cat(block, "\n");
    text.remove_prefix(block.size());
  }
  if (out.certificate_pem.empty() || out.key_pem.empty())
    return fail(Reason::kInvalid, "it does not hold a certificate and a key");
  return out;
}

CertificateStore::CertificateStore(std::string directory, std::string name)
    : directory_(std::move(directory)), name_(std::move(name)) {}

std::string CertificateStore::current_path() const {
  return cat(directory_, "/", name_, "-current.pem");
}

Result<net::x509::KeyPair> CertificateStore::current() const {
  KPP_ASSIGN(const std::string text, fs::read_file(current_path(), kLargestFile));
  auto pair = split_pem(text);
  if (!pair) return fail(std::move(pair).error().with_context(current_path()));
  return pair;
}

Status CertificateStore::update(const net::x509::KeyPair& pair, WallTime now) const {
  KPP_RETURN_IF_ERROR(fs::make_directories(directory_));
  const std::string file = cat(directory_, "/", name_, "-", stamp(now), ".pem");
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(file, cat(pair.certificate_pem, pair.key_pem), 0600));
  const std::string beside = cat(directory_, "/", name_, "-updated.pem");
  ::unlink(beside.c_str());
  if (::symlink(file.c_str(), beside.c_str()) != 0)
    return errno_status(cat("linking ", beside), errno);
  if (::rename(beside.c_str(), current_path().c_str()) != 0)
    return errno_status(cat("linking ", current_path()), errno);
  return {};
}

}  // namespace kpp::kubelet
