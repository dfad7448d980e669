#include "apiserver/openapi.h"

#include <openssl/evp.h>

#include <ctime>
#include <map>

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

// RFC 1123: "Tue, 10 Nov 2026 23:00:00 UTC".
std::string http_date(WallTime at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S UTC", &parts)};
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

std::string hashed_address(std::string_view name, std::string_view etag) {
  return cat("/openapi/v3/", name, "?hash=", etag.substr(1, etag.size() - 2));
}

// The first media type of the Accept header that a v3 document is served in.
bool takes_json(const net::Request& request) {
  const std::string_view accept = request.headers.get("Accept");
  for (const auto& entry : parse_accept(accept.empty() ? "*/*" : accept)) {
    if (entry.type == kJson || entry.type == "*/*" || entry.type == "application/*") return true;
  }
  return false;
}

net::Response not_accepted() {
  net::Response out;
  out.status = 406;
  out.headers.add("Vary", "Accept");
  return out;
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
  return not_accepted();
}

OpenApi::DocumentRef OpenApi::v3_document(const std::string& name) {
  if (auto it = v3_.find(name); it != v3_.end()) return it->second;
  for (const auto& r : table_.all()) {
    if (path_of(r->group, r->version) != name) continue;
    return v3_[name] = make_document<Document>(kJson, api::openapi_v3(r->group, r->version));
  }
  return nullptr;
}

OpenApi::DocumentRef OpenApi::v3_index() {
  if (v3_index_) return v3_index_;
  std::map<std::string, std::string> addresses;
  for (const auto& r : table_.all()) {
    std::string name = path_of(r->group, r->version);
    if (addresses.contains(name)) continue;
    // The hash is all that is kept of documents that nobody has asked for.
    std::string address = hashed_address(name, etag_of(api::openapi_v3(r->group, r->version)));
    addresses.emplace(std::move(name), std::move(address));
  }
  std::string out = "{\"paths\":{";
  bool first = true;
  for (const auto& [name, address] : addresses) {
    out += cat(first ? "" : ",", quoted(name), ":{\"serverRelativeURL\":", quoted(address), "}");
    first = false;
  }
  return v3_index_ = make_document<Document>("text/plain; charset=utf-8", out + "}}");
}

std::optional<net::Response> OpenApi::v3(const net::Request& request, const std::string& name,
                                         WallTime now) {
  const DocumentRef document = v3_document(name);
  if (document == nullptr) return std::nullopt;
  if (!takes_json(request)) return not_accepted();
  const net::Query query = net::Query::parse(request.query);
  const std::string_view hash = query.get("hash");
  if (hash.empty()) return respond(request, *document);
  if (cat("\"", hash, "\"") != document->etag) {
    net::Response out;
    out.status = 301;
    out.headers.add("Location", hashed_address(name, document->etag));
    return out;
  }
  net::Response out = respond(request, *document);
  out.headers.set("Cache-Control", "public, immutable");
  out.headers.set("Expires", http_date(now + std::chrono::days(365)));
  return out;
}

std::optional<net::Response> OpenApi::answer(const net::Request& request, WallTime now) {
  std::string_view path = request.path;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/openapi/v2") return v2(request);
  if (path == "/openapi/v3") return respond(request, *v3_index());
  static constexpr std::string_view kRoot = "/openapi/v3/";
  if (!path.starts_with(kRoot)) return std::nullopt;
  return v3(request, std::string(path.substr(kRoot.size())), now);
}

}  // namespace kpp::apiserver
