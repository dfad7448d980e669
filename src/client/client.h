// The API as components use it: typed calls over a Transport, in the same process or over the
// network.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/json_codec.h"
#include "api/meta.h"
#include "api/metav1.h"
#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "net/http.h"

namespace kpp::client {

struct ListQuery {
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;
  std::int64_t limit = 0;
  std::string continue_token;
  // Objects come without metadata.managedFields.
  bool without_managed_fields = false;
  // For watches.
  bool allow_bookmarks = false;
  std::int64_t timeout_seconds = 0;  // 0: the server's choice
};

struct DeleteQuery {
  std::optional<std::int64_t> grace_period_seconds;
  std::string propagation_policy;  // Background, Foreground, Orphan; empty: the server's default
  std::string uid;                 // precondition
  std::string resource_version;    // precondition
};

enum class PatchType { kJson, kMerge, kStrategicMerge, kApply };

// One answer or event as the server sent it.
struct RawList {
  std::string resource_version;
  std::string continue_token;
  std::vector<api::Object> items;
};
struct RawEvent {
  std::string type;  // ADDED, MODIFIED, DELETED, BOOKMARK
  api::Object object;
};

// An open watch. Runs on: the client's executor.
class WatchStream {
 public:
  virtual ~WatchStream() = default;  // closes it
  // The next event; an error when the stream ended (kIo) or the server sent an ERROR event
  // (kExpired: list again).
  virtual async::Task<Result<RawEvent>> next(async::StopToken stop) = 0;
};

// Guarantees: errors carry the server's Status (reason, details); with an executor, answers that
// carry Retry-After are
//   tried again after that time, up to ten times. The untyped calls take the type's description;
//   the typed ones below wrap them.
// Ownership: the transport and the executor must outlive the client.
// Runs on: the executor of the transport.
class Client {
 public:
  // `user_agent` is also the field manager; `bearer_token` may be empty (client certificate or
  // in-process identity).
  Client(net::Transport& transport, std::string user_agent, std::string bearer_token = {},
         async::Executor* executor = nullptr);

  async::Task<Result<api::Object>> get(const api::TypeDesc& type, api::ObjectKey key,
                                       async::StopToken stop);
  async::Task<Result<RawList>> list(const api::TypeDesc& type, std::string namespace_,
                                    ListQuery query, async::StopToken stop);
  async::Task<Result<std::unique_ptr<WatchStream>>> watch(const api::TypeDesc& type,
                                                          std::string namespace_, ListQuery query,
                                                          async::StopToken stop);
  // `subresource` may be empty. The object's namespace and name make the path.
  async::Task<Result<api::Object>> create(api::Object object, std::string subresource,
                                          async::StopToken stop);
  async::Task<Result<api::Object>> update(api::Object object, std::string subresource,
                                          async::StopToken stop);
  async::Task<Result<api::Object>> patch(const api::TypeDesc& type, api::ObjectKey key,
                                         PatchType kind, std::string body, std::string subresource,
                                         async::StopToken stop);
  // Success whether the object is gone or waits for its finalizers.
  async::Task<Status> remove(const api::TypeDesc& type, api::ObjectKey key, DeleteQuery query,
                             async::StopToken stop);
  // Any request; the path with its query. For what the calls above do not cover.
  async::Task<Result<net::Response>> raw(net::Request request, bool want_stream,
                                         async::StopToken stop);

  const std::string& user_agent() const { return user_agent_; }

  template <class T>
  async::Task<Result<T>> get(api::ObjectKey key, async::StopToken stop) {
    auto got = co_await get(T::desc(), std::move(key), std::move(stop));
    co_return take<T>(std::move(got));
  }
  template <class T>
  async::Task<Result<T>> create(T object, async::StopToken stop) {
    auto got = co_await create(api::Object::of(object), std::string(), std::move(stop));
    co_return take<T>(std::move(got));
  }
  template <class T>
  async::Task<Result<T>> update(T object, async::StopToken stop) {
    auto got = co_await update(api::Object::of(object), std::string(), std::move(stop));
    co_return take<T>(std::move(got));
  }
  template <class T>
  async::Task<Result<T>> update_status(T object, async::StopToken stop) {
    auto got = co_await update(api::Object::of(object), std::string("status"), std::move(stop));
    co_return take<T>(std::move(got));
  }
  template <class T>
  async::Task<Result<T>> patch(api::ObjectKey key, PatchType kind, std::string body,
                               std::string subresource, async::StopToken stop) {
    auto got = co_await patch(T::desc(), std::move(key), kind, std::move(body),
                              std::move(subresource), std::move(stop));
    co_return take<T>(std::move(got));
  }
  template <class T>
  async::Task<Status> remove(api::ObjectKey key, DeleteQuery query, async::StopToken stop) {
    auto done = co_await remove(T::desc(), std::move(key), std::move(query), std::move(stop));
    co_return done;
  }
  template <class T>
  async::Task<Result<std::vector<T>>> list_all(std::string namespace_, ListQuery query,
                                               async::StopToken stop) {
    auto got = co_await list(T::desc(), std::move(namespace_), std::move(query), std::move(stop));
    if (!got) co_return std::unexpected(std::move(got).error());
    std::vector<T> out;
    for (auto& item : got->items) out.push_back(std::move(*item.template as<T>()));
    co_return out;
  }

 private:
  template <class T>
  static Result<T> take(Result<api::Object> got) {
    if (!got) return std::unexpected(std::move(got).error());
    return std::move(*got->template as<T>());
  }

  net::Request make_request(std::string method, std::string path, std::string query) const;
  async::Task<Result<net::Response>> send(net::Request request, bool want_stream,
                                          async::StopToken stop);
  async::Task<Result<api::Object>> send_object(net::Request request, const api::TypeDesc* type,
                                               async::StopToken stop);

  net::Transport& transport_;
  const std::string user_agent_;
  const std::string bearer_token_;
  async::Executor* const executor_;  // may be null
};

// The error in an answer that is not 2xx: its metav1.Status, or one made of the HTTP code.
Status status_of(const net::Response& response);

}  // namespace kpp::client
