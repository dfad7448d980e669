#include "client/testing/fake_watch.h"

namespace kpp::client::testing {

std::string FakeWatch::line(std::string_view type, const json::Value& object) {
  return json::write(json::Object{{"type", type}, {"object", object}}) + "\n";
}

void FakeWatch::take(const FakeStore::Change& change) {
  if (change.type != scope_.type) return;
  const bool before = change.before && scope_.selects(change.key, *change.before);
  const bool after = change.after && scope_.selects(change.key, *change.after);
  if (after) {
    pending_.push_back(line(before ? "MODIFIED" : "ADDED", *change.after));
  } else if (before) {
    json::Value last = *change.before;
    last.as_object()["metadata"].as_object()["resourceVersion"] = std::to_string(change.revision);
    pending_.push_back(line("DELETED", last));
  }
}

async::Task<Result<net::SharedBytes>> FakeWatch::next(async::StopToken stop) {
  for (;;) {
    while (position_ < store_.history().size()) take(store_.history()[position_++]);
    if (!pending_.empty()) {
      auto bytes = std::make_shared<const std::string>(std::move(pending_.front()));
      pending_.pop_front();
      co_return bytes;
    }
    if (epoch_ != opened_) co_return net::SharedBytes();
    const bool woken = co_await store_.changed().wait(stop);
    if (!woken) co_return fail(Reason::kCanceled, "watch stopped");
  }
}

}  // namespace kpp::client::testing
