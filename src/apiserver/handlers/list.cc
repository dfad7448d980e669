#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/list_options.h"
#include "apiserver/handlers/page.h"
#include "apiserver/selection.h"

namespace kpp::apiserver {
namespace {

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

Status too_old_list() {
  return Status(Reason::kExpired, "The resourceVersion for the provided list is too old.");
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
    if (options->exact) {
      const Status there = co_await reach(call, options->revision);
      if (!there.ok()) co_return respond_status(there, &call);
    }
    auto read =
        co_await page_from_store(call, *selection, options->limit, options->revision, after);
    if (!read) {
      if (read.error().is(Reason::kExpired) && !options->continue_key.empty()) {
        co_return respond_status(expired_continue(call, *selection), &call);
      }
      if (read.error().is(Reason::kExpired)) co_return respond_status(too_old_list(), &call);
      co_return respond_status(read.error(), &call);
    }
    page = std::move(*read);
  } else {
    const Status there =
        options->revision_given ? co_await reach(call, options->revision) : co_await freshen(call);
    if (!there.ok()) co_return respond_status(there, &call);
    page = page_from_cache(call, *selection, options->limit);
  }
  co_return respond_page(call, page);
}

}  // namespace kpp::apiserver
