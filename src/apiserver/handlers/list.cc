#include "api/proto_codec.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/list_options.h"
#include "apiserver/selection.h"
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

struct Page {
  std::vector<CachedRef> items;
  store::Revision revision = 0;
  std::string continue_token;
  std::int64_t remaining = 0;
};

std::string list_head(const Call& call, const Page& page, std::string_view kind,
                      std::string_view version) {
  std::string out = cat(R"({"kind":")", kind, R"(","apiVersion":")", version,
                        R"(","metadata":{"resourceVersion":")", page.revision, "\"");
  if (!page.continue_token.empty()) {
    out += ",\"continue\":";
    json::write_string(out, page.continue_token);
    if (page.remaining > 0 && call.query.get("labelSelector").empty() &&
        call.query.get("fieldSelector").empty()) {
      out += cat(",\"remainingItemCount\":", page.remaining);
    }
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
  meta.resource_version = cat(page.revision);
  meta.continue_ = page.continue_token;
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

// From the cache: now, or as new as asked for.
Page page_from_cache(Call& call, const Selection& selection, std::int64_t limit) {
  const ResourceCache& cache = call.core.cache.cache(*call.resource);
  Page page;
  page.revision = call.core.cache.revision();
  std::string last;
  cache.each(selection.prefix(), {}, [&](const std::string& key, const CachedRef& object) {
    if (!selection.matches(*object)) return true;
    if (limit > 0 && static_cast<std::int64_t>(page.items.size()) >= limit) {
      if (page.continue_token.empty())
        page.continue_token = make_continue_token(page.revision, selection.prefix(), last);
      ++page.remaining;
      return true;
    }
    page.items.push_back(object);
    last = key;
    return true;
  });
  return page;
}

// From the store, at an old revision.
async::Task<Result<Page>> page_from_store(Call& call, const Selection& selection,
                                          std::int64_t limit, store::Revision revision,
                                          std::string after) {
  Page page;
  store::RangeOptions options;
  options.prefix = selection.prefix();
  options.start_after = std::move(after);
  options.at_revision = revision;
  // Without selectors the store can stop at the page's end; with them the whole range has to be
  // looked at.
  if (limit > 0 && selection.everything()) options.limit = static_cast<std::size_t>(limit);
  auto range = co_await call.core.store.range(options, call.stop);
  if (!range) co_return fail(std::move(range).error());
  page.revision = revision == 0 ? range->revision : revision;
  std::string last;
  for (const auto& entry : range->entries) {
    auto object =
        WatchCache::make_object(*call.resource->storage, *entry.value, entry.mod_revision);
    if (!object || !selection.matches(*object)) continue;
    if (limit > 0 && static_cast<std::int64_t>(page.items.size()) >= limit) {
      if (page.continue_token.empty())
        page.continue_token = make_continue_token(page.revision, selection.prefix(), last);
      ++page.remaining;
      continue;
    }
    page.items.push_back(std::move(object));
    last = entry.key;
  }
  if (range->more) {
    page.continue_token = make_continue_token(page.revision, selection.prefix(), last);
    page.remaining = range->remaining;
  }
  co_return page;
}

}  // namespace

async::Task<net::Response> handle_list(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, true);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  auto options = parse_list_options(call);
  if (!options) co_return respond_status(options.error(), &call);
  auto selection = Selection::parse(call);
  if (!selection) co_return respond_status(selection.error(), &call);

  Page page;
  const bool old_snapshot = !options->continue_key.empty() || options->exact;
  if (old_snapshot) {
    const std::string after =
        options->continue_key.empty() ? "" : cat(selection->prefix(), options->continue_key);
    auto read =
        co_await page_from_store(call, *selection, options->limit, options->revision, after);
    if (!read) {
      if (read.error().is(Reason::kExpired) && !options->continue_key.empty()) {
        co_return respond_status(expired_continue(call, *selection), &call);
      }
      co_return respond_status(read.error(), &call);
    }
    page = std::move(*read);
  } else {
    if (options->revision > call.core.store.revision()) {
      const bool seen =
          co_await call.core.cache.wait_for(options->revision, std::chrono::seconds(3), call.stop);
      if (!seen)
        co_return respond_status(too_large_version(options->revision, call.core.cache.revision()),
                                 &call);
    }
    const Status fresh = co_await freshen(call);
    if (!fresh.ok()) co_return respond_status(fresh, &call);
    page = page_from_cache(call, *selection, options->limit);
  }
  net::Response out = call.accept.form == Form::kTable            ? table_response(call, page)
                      : call.accept.media == MediaType::kProtobuf ? protobuf_response(call, page)
                                                                  : json_response(call, page);
  add_warnings(out, call);
  co_return out;
}

}  // namespace kpp::apiserver
