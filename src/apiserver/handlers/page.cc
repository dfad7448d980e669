#include "apiserver/handlers/page.h"

#include "api/proto_codec.h"
#include "apiserver/handlers/common.h"
#include "apiserver/table/table.h"
#include "codec/yaml.h"

namespace kpp::apiserver {
namespace {

constexpr std::size_t kChunk = 256u << 10;

// A list's body: text that is made here, in chunks, and runs of cached bytes, which are not copied.
class Chunks {
 public:
  void append(std::string_view text) {
    if (current_.size() + text.size() > kChunk && !current_.empty()) flush();
    current_.append(text);
  }
  // `text` must live as long as its owner; a literal has none.
  void share(net::SharedBytes owner, std::string_view text) {
    flush();
    pieces_.emplace_back(std::move(owner), text);
  }
  std::vector<net::Slice> take() {
    flush();
    return std::move(pieces_);
  }
  void reserve(std::size_t pieces) { pieces_.reserve(pieces); }

 private:
  void flush() {
    if (current_.empty()) return;
    pieces_.emplace_back(std::make_shared<const std::string>(std::move(current_)));
    current_ = std::string();
  }
  std::string current_;
  std::vector<net::Slice> pieces_;
};

// How many objects follow those of the page; nothing where a selector would have to be asked.
std::optional<std::int64_t> remaining_of(const Call& call, const Page& page) {
  if (page.continue_token.empty() || page.remaining <= 0 ||
      !call.query.get("labelSelector").empty() || !call.query.get("fieldSelector").empty())
    return std::nullopt;
  return static_cast<std::int64_t>(page.remaining);
}

std::string list_head(const Call& call, const Page& page, std::string_view kind,
                      std::string_view version) {
  std::string out = cat(R"({"kind":")", kind, R"(","apiVersion":")", version, R"(","metadata":{)");
  // What is not stored has no revision.
  if (page.revision > 0) out += cat(R"("resourceVersion":")", page.revision, "\"");
  if (!page.continue_token.empty()) {
    out += ",\"continue\":";
    json::write_string(out, page.continue_token);
    if (const auto remaining = remaining_of(call, page))
      out += cat(",\"remainingItemCount\":", *remaining);
  }
  return out + "}";
}

std::string partial_item(const ServedResource& served, const CachedObject& object,
                         std::string_view version, bool with_type) {
  const api::Object typed = decode_cached(served, object);
  std::string out = "{";
  if (with_type)
    out += cat(R"("kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/)", version, R"(",)");
  out += "\"metadata\":";
  const auto meta = bare_metadata(served, typed);
  api::to_json(out, metav1::ObjectMeta::desc(), &meta);
  return out + "}";
}

net::Response table_response(Call& call, const Page& page) {
  if (Status s = check_include_object(call); !s.ok()) return respond_status(s, &call);
  const ServedResource& served = *call.resource;
  const WallTime now = call.core.executor.wall();
  Chunks chunks;
  chunks.append(list_head(call, page, "Table", cat("meta.k8s.io/", call.accept.form_version)));
  chunks.append(",\"columnDefinitions\":");
  chunks.append(table_columns(*served.type));
  chunks.append(",\"rows\":[");
  const std::string_view include = call.query.get("includeObject");
  bool first = true;
  for (const auto& item : page.items) {
    const TableRow row = table_row(decode_cached(served, *item), now);
    chunks.append(first ? "{\"cells\":" : ",{\"cells\":");
    first = false;
    chunks.append(row.cells);
    if (!row.conditions.empty()) chunks.append(cat(",\"conditions\":", row.conditions));
    chunks.append(",\"object\":");
    if (include == "None") {
      chunks.append("null");
    } else if (include == "Object") {
      chunks.append(*served_json(served, *item));
    } else {
      chunks.append(partial_item(served, *item, call.accept.form_version, true));
    }
    chunks.append("}");
  }
  chunks.append("]}\n");
  net::Response out;
  out.headers.add("Content-Type", "application/json");
  out.body = chunks.take();
  return out;
}

net::Response protobuf_response(Call& call, const Page& page) {
  const ServedResource& served = *call.resource;
  // A list message is metadata (1) and items (2); items are encoded one by one, so that only one is
  // decoded at a time.
  metav1::ListMeta meta;
  if (page.revision > 0) meta.resource_version = cat(page.revision);
  meta.continue_ = page.continue_token;
  if (const auto remaining = remaining_of(call, page)) meta.remaining_item_count = *remaining;
  std::string raw;
  const auto put = [&raw](char tag, const std::string& bytes) {
    raw += tag;
    std::size_t size = bytes.size();
    while (size >= 0x80) {
      raw += static_cast<char>((size & 0x7f) | 0x80);
      size >>= 7;
    }
    raw += static_cast<char>(size);
    raw += bytes;
  };
  put(0x0a, api::to_proto(meta));
  for (const auto& item : page.items) {
    const api::Object typed = decode_cached(served, *item);
    std::string bytes;
    if (call.accept.form == Form::kObject) {
      api::to_proto(bytes, *served.type, typed.data());
    } else {
      metav1::PartialObjectMetadata partial;
      partial.metadata = bare_metadata(served, typed);
      bytes = api::to_proto(partial);
    }
    put(0x12, bytes);
  }
  const bool whole = call.accept.form == Form::kObject;
  return net::Response::text(
      200, call.accept.content_type(),
      api::make_envelope(whole ? served.api_version() : "meta.k8s.io/v1",
                         whole ? cat(served.kind(), "List") : "PartialObjectMetadataList", raw));
}

net::Response json_response(Call& call, const Page& page) {
  const ServedResource& served = *call.resource;
  const bool partial = call.accept.form != Form::kObject;
  Chunks chunks;
  chunks.append(partial ? list_head(call, page, "PartialObjectMetadataList",
                                    cat("meta.k8s.io/", call.accept.form_version))
                        : list_head(call, page, cat(served.kind(), "List"), served.api_version()));
  const bool none = partial && page.items.empty();
  chunks.append(none ? ",\"items\":null" : ",\"items\":[");
  chunks.reserve(page.items.size() * 2 + 2);
  bool first = true;
  for (const auto& item : page.items) {
    if (partial) {
      if (!first) chunks.append(",");
      chunks.append(partial_item(served, *item, call.accept.form_version, true));
    } else {
      chunks.share(nullptr, first ? "{" : ",{");
      auto bytes = served_json(served, *item);
      const std::size_t at = bytes == item->json ? item->item_at : item_begin(*bytes);
      const std::string_view text = std::string_view(*bytes).substr(at);
      chunks.share(std::move(bytes), text);
    }
    first = false;
  }
  chunks.append(none ? "}\n" : "]}\n");
  net::Response out;
  out.headers.add("Content-Type", call.accept.content_type());
  out.body = chunks.take();
  if (call.accept.media == MediaType::kYaml || call.accept.pretty) {
    const auto document = json::parse(out.body_text());
    if (document) {
      out = net::Response::text(200, call.accept.content_type(),
                                call.accept.media == MediaType::kYaml
                                    ? yaml::write(*document)
                                    : json::write_pretty(*document) + "\n");
    }
  }
  return out;
}

}  // namespace

net::Response respond_page(Call& call, const Page& page) {
  net::Response out = call.accept.form == Form::kTable            ? table_response(call, page)
                      : call.accept.media == MediaType::kProtobuf ? protobuf_response(call, page)
                                                                  : json_response(call, page);
  add_warnings(out, call);
  return out;
}

}  // namespace kpp::apiserver
