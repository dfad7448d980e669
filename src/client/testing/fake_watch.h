// The body of a watch of a FakeApi.
#pragma once

#include <deque>
#include <string>

#include "client/testing/fake_patch.h"
#include "client/testing/fake_store.h"
#include "net/http.h"

namespace kpp::client::testing {

struct WatchScope {
  const api::TypeDesc* type = nullptr;
  std::string namespace_, name, label_selector, field_selector;

  bool selects(const api::ObjectKey& key, const json::Value& document) const {
    return (namespace_.empty() || key.namespace_ == namespace_) &&
           (name.empty() || key.name == name) && matches_labels(document, label_selector) &&
           matches_fields(document, field_selector);
  }
};

// Events after `position` in the history; `first` are sent before. Ends when `epoch` moves on.
class FakeWatch final : public net::BodySource {
 public:
  FakeWatch(FakeStore& store, WatchScope scope, std::deque<std::string> first, std::size_t position,
            const std::int64_t& epoch)
      : store_(store),
        scope_(std::move(scope)),
        pending_(std::move(first)),
        position_(position),
        epoch_(epoch),
        opened_(epoch) {}

  async::Task<Result<net::SharedBytes>> next(async::StopToken stop) override;
  static std::string line(std::string_view type, const json::Value& object);

 private:
  void take(const FakeStore::Change& change);

  FakeStore& store_;
  const WatchScope scope_;
  std::deque<std::string> pending_;
  std::size_t position_;
  const std::int64_t& epoch_;
  const std::int64_t opened_;
};

}  // namespace kpp::client::testing
