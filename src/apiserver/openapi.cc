#include "apiserver/openapi.h"

#include <openssl/evp.h>

#include <set>

#include "api/openapi/document_proto.h"
#include "api/openapi/openapi.h"
#include "apiserver/negotiation.h"
#include "base/cat.h"
#include "codec/gzip.h"

namespace kpp::apiserver {

// One document as it is sent.
struct OpenApi::Document {
  std::string type;
  net::SharedBytes bytes;
  net::SharedBytes compressed;  // made when first asked for
  std::string etag;             // quoted
};

OpenApi::~OpenApi() = default;

namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kProto = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
// The name that older clients know it by.
constexpr std::string_view kOldProto = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

std::string etag_of(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha512(), nullptr);
  std::string out = "\"";
  for (unsigned i = 0; i < size; ++i) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    out += kDigits[digest[i] >> 4];
    out += kDigits[digest[i] & 15];
  }
  return out + '"';
}

template <class Document>
std::shared_ptr<Document> make_document(std::string_view type, std::string bytes) {
  auto out = std::make_shared<Document>();
  out->type = type;
  out->etag = etag_of(bytes);
  out->bytes = std::make_shared<const std::string>(std::move(bytes));
  return out;
}

bool has_word(std::string_view list, std::string_view word) {
  return list.find(word) != std::string_view::npos;
}

template <class Document>
net::Response respond(const net::Request& request, Document& document) {
  net::Response out;
  out.headers.add("ETag", document.etag);
  out.headers.add("Vary", "Accept-Encoding");
  out.headers.add("Vary", "Accept");
  if (has_word(request.headers.get("If-None-Match"), document.etag)) {
    out.status = 304;
    return out;
  }
  out.headers.add("Content-Type", document.type);
  if (has_word(request.headers.get("Accept-Encoding"), "gzip")) {
    if (!document.compressed)
      document.compressed = std::make_shared<const std::string>(gzip(*document.bytes, 6));
    out.headers.add("Content-Encoding", "gzip");
    out.body.push_back(document.compressed);
  } else {
    out.body.push_back(document.bytes);
  }
  return out;
}

std::string path_of(std::string_view group, std::string_view version) {
  return group.empty() ? cat("api/", version) : cat("apis/", group, "/", version);
}

std::string index_of(const ResourceTable& table) {
  std::set<std::string> paths;
  for (const auto& r : table.all()) paths.insert(path_of(r->group, r->version));
  std::string out = "{\"paths\":{";
  bool first = true;
  for (const auto& p : paths) {
    out += cat(first ? "" : ",", quoted(p),
               ":{\"serverRelativeURL\":", quoted(cat("/openapi/v3/", p)), "}");
    first = false;
  }
  return out + "}}";
}

}  // namespace

std::optional<net::Response> OpenApi::v2(const net::Request& request) {
  const std::string_view accept = request.headers.get("Accept");
  for (const auto& entry : parse_accept(accept.empty() ? "*/*" : accept)) {
    const std::string& type = entry.type;
    if (type == kJson || type == "*/*" || type == "application/*") {
      if (!v2_json_) v2_json_ = make_document<Document>(kJson, api::openapi_v2());
      return respond(request, *v2_json_);
    }
    if (type == kProto || type == kOldProto) {
      if (!v2_proto_) {
        auto document = json::parse(api::openapi_v2());
        if (!document)
          return net::Response::text(500, "text/plain; charset=utf-8", document.error().message());
        v2_proto_ = make_document<Document>(kProto, api::openapi_v2_proto(*document));
      }
      return respond(request, *v2_proto_);
    }
  }
  net::Response refused;
  refused.status = 406;
  refused.headers.add("Vary", "Accept");
  return refused;
}

OpenApi::DocumentRef OpenApi::v3(const std::string& name) {
  if (auto it = v3_.find(name); it != v3_.end()) return it->second;
  if (name.empty())
    return v3_[name] = make_document<Document>("text/plain; charset=utf-8", index_of(table_));
  for (const auto& r : table_.all()) {
    if (path_of(r->group, r->version) != name) continue;
    return v3_[name] = make_document<Document>(kJson, api::openapi_v3(r->group, r->version));
  }
  return nullptr;
}

std::optional<net::Response> OpenApi::answer(const net::Request& request) {
  std::string_view path = request.path;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/openapi/v2") return v2(request);
  if (path == "/openapi/v3") return respond(request, *v3(""));
  static constexpr std::string_view kRoot = "/openapi/v3/";
  if (!path.starts_with(kRoot)) return std::nullopt;
  const DocumentRef document = v3(std::string(path.substr(kRoot.size())));
  if (document == nullptr) return std::nullopt;
  return respond(request, *document);
}

}  // namespace kpp::apiserver
