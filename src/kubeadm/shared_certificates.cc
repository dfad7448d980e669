#include "kubeadm/shared_certificates.h"

#include <openssl/evp.h>

#include <memory>

#include "base/fs.h"
#include "base/ids.h"
#include "codec/base64.h"
#include "kubeadm/bootstrap_objects.h"

namespace kpp::kubeadm {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> key_bytes(std::string_view key) {
  const Status wrong(Reason::kInvalid,
                     "the certificate key is not 64 hexadecimal digits; make one: kubeadm certs "
                     "certificate-key");
  if (key.size() != 2 * kKeyBytes) return fail(wrong);
  std::string out;
  for (std::size_t i = 0; i < key.size(); i += 2) {
    const int high = digit_of(key[i]);
    const int low = digit_of(key[i + 1]);
    if (high < 0 || low < 0) return fail(wrong);
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

// etcd/ca.crt is etcd-ca.crt in a Secret.
std::string entry_of(std::string file) {
  std::ranges::replace(file, '/', '-');
  return file;
}

bool is_private(std::string_view file) { return file.ends_with(".key"); }

}  // namespace

Result<std::string> encrypt(std::string_view key, std::string_view text) {
  KPP_ASSIGN(const std::string secret, key_bytes(key));
  std::string out = random_bytes(kNonceBytes);
  out.resize(kNonceBytes + text.size() + kTagBytes);
  const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  unsigned char* const body = bytes_of(out) + kNonceBytes;
  int length = 0;
  const bool done =
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(secret),
                         bytes_of(out)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), body, &length, bytes_of(text),
                        static_cast<int>(text.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), body + length, &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, body + text.size()) == 1;
  if (!done) return fail(Reason::kInternalError, "AES-256-GCM failed");
  return out;
}

Result<std::string> decrypt(std::string_view key, std::string_view bytes) {
  KPP_ASSIGN(const std::string secret, key_bytes(key));
  const Status wrong(Reason::kInvalid, "the certificate key is not the one it was encrypted with");
  if (bytes.size() < kNonceBytes + kTagBytes) return fail(wrong);
  std::string_view body = bytes.substr(kNonceBytes);
  std::string tag(body.substr(body.size() - kTagBytes));
  body.remove_suffix(kTagBytes);
  std::string out(body.size(), '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int length = 0;
  const bool done =
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(secret),
                         bytes_of(bytes)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), bytes_of(out), &length, bytes_of(body),
                        static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), bytes_of(out) + length, &length) == 1;
  if (!done) return fail(wrong);
  return out;
}

std::vector<std::string> shared_files(const ClusterConfig& config) {
  std::vector<std::string> out = {
      "ca.crt", "ca.key", "sa.key", "sa.pub", "front-proxy-ca.crt", "front-proxy-ca.key"};
  if (config.store == StoreKind::kEtcd) out.insert(out.end(), {"etcd/ca.crt", "etcd/ca.key"});
  return out;
}

Result<std::vector<json::Object>> shared_objects(const ClusterConfig& config, std::string_view key,
                                                 std::string_view owner_name,
                                                 std::string_view owner_uid) {
  json::Object data;
  for (const std::string& file : shared_files(config)) {
    KPP_ASSIGN(const std::string text,
               fs::read_file(cat(config.certificates_dir, "/", file), 1U << 20));
    KPP_ASSIGN(const std::string hidden, encrypt(key, text));
    data[entry_of(file)] = base64_encode(hidden);
  }
  json::Object metadata{{"name", kCertificatesSecret}, {"namespace", "kube-system"}};
  if (!owner_uid.empty()) {
    metadata["ownerReferences"] = json::Array{json::Object{{"apiVersion", "v1"},
                                                           {"blockOwnerDeletion", true},
                                                           {"controller", true},
                                                           {"kind", "Secret"},
                                                           {"name", owner_name},
                                                           {"uid", owner_uid}}};
  }
  std::vector<json::Object> out = {json::Object{{"apiVersion", "v1"},
                                                {"data", std::move(data)},
                                                {"kind", "Secret"},
                                                {"metadata", std::move(metadata)},
                                                {"type", "Opaque"}}};
  for (json::Object& object :
       role_for_joining("kubeadm:kubeadm-certs", "secrets", kCertificatesSecret, {"get"})) {
    out.push_back(std::move(object));
  }
  return out;
}

Status save_shared(const json::Value& secret, std::string_view key, const ClusterConfig& config) {
  for (const std::string& file : shared_files(config)) {
    const json::Value* const data = json::find(secret, "data");
    const json::Value* const entry = data != nullptr && data->is_object()
                                         ? data->get_object().if_contains(entry_of(file))
                                         : nullptr;
    const auto hidden =
        entry != nullptr && entry->is_string() ? base64_decode(entry->get_string()) : std::nullopt;
    if (!hidden) {
      return {Reason::kNotFound,
              cat("the Secret does not include the required certificate or key - name: ",
                  entry_of(file), ", path: ", config.certificates_dir, "/", file)};
    }
    KPP_ASSIGN(const std::string text, decrypt(key, *hidden));
    const std::string path = cat(config.certificates_dir, "/", file);
    KPP_RETURN_IF_ERROR(fs::make_directories(path.substr(0, path.rfind('/'))));
    KPP_RETURN_IF_ERROR(fs::write_file_atomic(path, text, is_private(file) ? 0600 : 0644));
  }
  return {};
}

}  // namespace kpp::kubeadm
