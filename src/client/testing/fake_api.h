// A small API server in memory for unit tests of everything that is a client: controllers,
// scheduler, kubelet, proxy.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/json_codec.h"
#include "api/meta.h"
#include "async/executor.h"
#include "client/client.h"
#include "client/in_process_transport.h"
#include "client/testing/fake_store.h"
#include "net/http.h"

namespace kpp::client::testing {

// Serves the resources of the schema with what clients depend on: uids, resource versions and
// conflicts, generateName, generation, deletion with finalizers, propagation policies and the grace
// time of bound pods, subresources status, finalize, binding and eviction, list and watch with
// selectors, bookmarks at the start and 410 after compact(), merge, strategic and JSON patches. It
// knows no defaults, no validation, no authorization, no field management.
//
// Guarantees: answers are made at once, in the request's call; watches deliver in order of the
// revisions. Runs on: its executor only (a ManualExecutor in tests).
class FakeApi final : public net::Handler {
 public:
  explicit FakeApi(async::Executor& executor);
  FakeApi(const FakeApi&) = delete;
  FakeApi& operator=(const FakeApi&) = delete;

  // For components under test.
  net::Transport& transport() { return transport_; }
  async::Task<net::Response> handle(net::Request request, async::StopToken stop) override;

  // For the test itself, without a coroutine. put() makes or replaces an object as it stands;
  // missing are only resourceVersion, uid and creationTimestamp. Gives it back as stored.
  template <class T>
  T put(const T& object) {
    return decode<T>(*put_document(T::desc(), api::to_document(object)));
  }
  template <class T>
  std::optional<T> get(const api::ObjectKey& key) const {
    const auto doc = store_.get(T::desc(), key);
    if (!doc) return std::nullopt;
    return decode<T>(*doc);
  }
  template <class T>
  std::vector<T> all(const std::string& namespace_ = {}) const {
    std::vector<T> out;
    for (const auto& doc : store_.list(T::desc(), namespace_)) out.push_back(decode<T>(*doc));
    return out;
  }
  // Changes an object in place and stores it; false if there is none.
  template <class T>
  bool edit(const api::ObjectKey& key, const std::function<void(T&)>& change) {
    auto object = get<T>(key);
    if (!object) return false;
    change(*object);
    put(*object);
    return true;
  }
  // Takes it away at once, whatever its finalizers.
  template <class T>
  void erase(const api::ObjectKey& key) {
    store_.erase(T::desc(), key);
  }
  // As a client's DELETE does (finalizers, grace).
  template <class T>
  int remove(const api::ObjectKey& key, std::string_view options = "{}") {
    return delete_object(T::desc(), key, options).status;
  }

  // The next `times` requests of the method (any if empty) whose path contains `path` are answered
  // with `status`.
  void fail_next(std::string method, std::string path, Status status, int times = 1);
  // Ends all open watches, as a server does that restarts.
  void break_watches();
  // Watches from before now are answered with 410.
  void compact() { store_.compact(); }
  // "PUT /api/v1/namespaces/default/pods/x/status", in order. Watches and lists too.
  const std::vector<std::string>& requests() const { return requests_; }
  void forget_requests() { requests_.clear(); }
  FakeStore& store() { return store_; }

 private:
  struct Target;
  struct Failure {
    std::string method, path;
    Status status;
    int times;
  };

  template <class T>
  static T decode(const json::Value& document) {
    T out;
    const Status status = api::from_json(document, T::desc(), &out);
    KPP_CHECK(status.ok(), "stored object does not decode: ", status.to_string());
    return out;
  }

  std::optional<Target> route(const std::string& path) const;
  net::Response dispatch(const net::Request& request, const Target& target);
  net::Response list(const Target& target, const net::Query& query);
  net::Response watch(const Target& target, const net::Query& query);
  net::Response create(const Target& target, json::Value document);
  net::Response update(const Target& target, json::Value document);
  net::Response patch(const Target& target, const net::Request& request);
  net::Response delete_object(const api::TypeDesc& type, const api::ObjectKey& key,
                              std::string_view options);
  net::Response bind(const Target& target, const json::Value& binding);
  FakeStore::Doc put_document(const api::TypeDesc& type, json::Value document);
  FakeStore::Doc save(const api::TypeDesc& type, const api::ObjectKey& key, json::Value document);
  std::string now() const;

  async::Executor& executor_;
  FakeStore store_;
  InProcessTransport transport_;
  std::map<std::string, const api::TypeDesc*> types_;  // by "group/version/plural"
  std::vector<Failure> failures_;
  std::vector<std::string> requests_;
  std::int64_t watch_epoch_ = 0;
};

}  // namespace kpp::client::testing
