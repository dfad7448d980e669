#include "client/client.h"

#include <algorithm>
#include <charconv>

#include "async/wait.h"
#include "client/status_decoder.h"
#include "client/watch_decoder.h"
#include "codec/json.h"

namespace kpp::client {
namespace {

constexpr int kMaxRetries = 10;

void add_query(std::string& query, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!query.empty()) query += '&';
  query += name;
  query += '=';
  query += net::percent_encode(value);
}

std::string list_query(const ListQuery& q) {
  std::string out;
  add_query(out, "labelSelector", q.label_selector);
  add_query(out, "fieldSelector", q.field_selector);
  add_query(out, "resourceVersion", q.resource_version);
  if (q.limit > 0) add_query(out, "limit", cat(q.limit));
  add_query(out, "continue", q.continue_token);
  return out;
}

std::string delete_body(const DeleteQuery& q) {
  json::Object options{{"kind", "DeleteOptions"}, {"apiVersion", "v1"}};
  if (q.grace_period_seconds) options["gracePeriodSeconds"] = *q.grace_period_seconds;
  if (!q.propagation_policy.empty()) options["propagationPolicy"] = q.propagation_policy;
  if (!q.uid.empty() || !q.resource_version.empty()) {
    json::Object preconditions;
    if (!q.uid.empty()) preconditions["uid"] = q.uid;
    if (!q.resource_version.empty()) preconditions["resourceVersion"] = q.resource_version;
    options["preconditions"] = std::move(preconditions);
  }
  return json::write(options);
}

std::string_view patch_content_type(PatchType kind) {
  switch (kind) {
    case PatchType::kJson:
      return "application/json-patch+json";
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kStrategicMerge:
      return "application/strategic-merge-patch+json";
    case PatchType::kApply:
      return "application/apply-patch+yaml";
  }
  return {};
}

// Seconds that the server asks us to wait before another try; -1: do not.
int retry_after(const net::Response& response) {
  if (response.status != 429 && response.status < 500) return -1;
  const auto text = response.headers.get("Retry-After");
  int seconds = -1;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return seconds;
}

Result<api::Object> decode_object(const net::Response& response, const api::TypeDesc& type) {
  api::Object out(type);
  KPP_RETURN_IF_ERROR(api::from_json_text(response.body_text(), type, out.data()));
  return out;
}

Result<RawList> decode_list(const net::Response& response, const api::TypeDesc& type,
                            const api::DecodeOptions& options) {
  RawList out;
  metav1::ListMeta meta;
  Status decoded;
  const std::string body = response.body_text();
  json::Reader reader(body);
  const auto item = [&] {
    if (!decoded.ok()) return;
    api::Object object(type);
    decoded = api::from_json(reader, type, object.data(), options);
    out.items.push_back(std::move(object));
  };
  reader.members([&](std::string_view name) {
    if (name == "metadata" && decoded.ok()) {
      decoded = api::from_json(reader, metav1::ListMeta::desc(), &meta);
    } else if (name == "items") {
      reader.items(item);
    }
  });
  KPP_RETURN_IF_ERROR(reader.finish());
  KPP_RETURN_IF_ERROR(decoded);
  out.resource_version = std::move(meta.resource_version);
  out.continue_token = std::move(meta.continue_);
  return out;
}

api::DecodeOptions decode_options(const ListQuery& query) {
  api::DecodeOptions out;
  out.without_managed_fields = query.without_managed_fields;
  return out;
}

// The events of a watch, a line each.
class Watch final : public WatchStream {
 public:
  Watch(net::Response response, const api::TypeDesc& type, api::DecodeOptions options)
      : response_(std::move(response)), decoder_(type, options) {
    for (const auto& piece : response_.body) decoder_.feed(*piece);
  }

  async::Task<Result<RawEvent>> next(async::StopToken stop) override {
    for (;;) {
      if (decoder_.has_line()) co_return decoder_.take();
      if (!response_.stream) co_return fail(Reason::kIo, "watch ended");
      auto bytes = co_await response_.stream->next(stop);
      if (!bytes) co_return std::unexpected(std::move(bytes).error());
      if (!*bytes) co_return fail(Reason::kIo, "watch ended");
      decoder_.feed(**bytes);
    }
  }

 private:
  net::Response response_;
  WatchDecoder decoder_;
};

}  // namespace

Status status_of(const net::Response& response) {
  return decode_status(response.status, response.body_text());
}

Client::Client(net::Transport& transport, std::string user_agent, std::string bearer_token,
               async::Executor* executor)
    : transport_(transport),
      user_agent_(std::move(user_agent)),
      bearer_token_(std::move(bearer_token)),
      executor_(executor) {}

net::Request Client::make_request(std::string method, std::string path, std::string query) const {
  net::Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.query = std::move(query);
  request.headers.add("Accept", "application/json");
  return request;
}

async::Task<Result<net::Response>> Client::send(net::Request request, bool want_stream,
                                                async::StopToken stop) {
  if (!request.headers.find("User-Agent")) request.headers.add("User-Agent", user_agent_);
  if (!bearer_token_.empty() && !request.headers.find("Authorization")) {
    request.headers.add("Authorization", cat("Bearer ", bearer_token_));
  }
  for (int attempt = 0;; ++attempt) {
    net::Request copy = executor_ ? request : std::move(request);
    auto response = co_await transport_.send(std::move(copy), want_stream, stop);
    if (!response) co_return std::unexpected(std::move(response).error());
    if (response->status < 400) co_return std::move(*response);
    const int seconds = executor_ && attempt < kMaxRetries ? retry_after(*response) : -1;
    if (seconds < 0) {
      while (response->stream) {
        auto piece = co_await response->stream->next(stop);
        if (!piece || !*piece) break;
        response->body.push_back(std::move(*piece));
      }
      co_return fail(status_of(*response));
    }
    const bool slept = co_await async::sleep_for(*executor_, std::chrono::seconds(seconds), stop);
    if (!slept) co_return fail(Reason::kCanceled, "stopped while waiting to try again");
  }
}

async::Task<Result<api::Object>> Client::send_object(net::Request request,
                                                     const api::TypeDesc* type,
                                                     async::StopToken stop) {
  auto response = co_await send(std::move(request), false, std::move(stop));
  if (!response) co_return std::unexpected(std::move(response).error());
  co_return decode_object(*response, *type);
}

async::Task<Result<net::Response>> Client::raw(net::Request request, bool want_stream,
                                               async::StopToken stop) {
  co_return co_await send(std::move(request), want_stream, std::move(stop));
}

async::Task<Result<api::Object>> Client::get(const api::TypeDesc& type, api::ObjectKey key,
                                             async::StopToken stop) {
  auto request = make_request("GET", api::resource_path(type, key.namespace_, key.name), {});
  co_return co_await send_object(std::move(request), &type, std::move(stop));
}

async::Task<Result<RawList>> Client::list(const api::TypeDesc& type, std::string namespace_,
                                          ListQuery query, async::StopToken stop) {
  auto request = make_request("GET", api::resource_path(type, namespace_), list_query(query));
  auto response = co_await send(std::move(request), false, std::move(stop));
  if (!response) co_return std::unexpected(std::move(response).error());
  co_return decode_list(*response, type, decode_options(query));
}

async::Task<Result<std::unique_ptr<WatchStream>>> Client::watch(const api::TypeDesc& type,
                                                                std::string namespace_,
                                                                ListQuery query,
                                                                async::StopToken stop) {
  std::string text = list_query(query);
  add_query(text, "watch", "true");
  if (query.allow_bookmarks) add_query(text, "allowWatchBookmarks", "true");
  if (query.timeout_seconds > 0) add_query(text, "timeoutSeconds", cat(query.timeout_seconds));
  auto request = make_request("GET", api::resource_path(type, namespace_), std::move(text));
  auto response = co_await send(std::move(request), true, std::move(stop));
  if (!response) co_return std::unexpected(std::move(response).error());
  std::unique_ptr<WatchStream> out =
      std::make_unique<Watch>(std::move(*response), type, decode_options(query));
  co_return out;
}

async::Task<Result<api::Object>> Client::create(api::Object object, std::string subresource,
                                                async::StopToken stop) {
  const api::TypeDesc& type = object.desc();
  const auto* meta = api::metadata(object);
  const std::string name = subresource.empty() ? std::string() : meta->name;
  auto request =
      make_request("POST", api::resource_path(type, meta->namespace_, name, subresource), {});
  request.headers.add("Content-Type", "application/json");
  api::to_json(request.body, type, object.data());
  co_return co_await send_object(std::move(request), &type, std::move(stop));
}

async::Task<Result<api::Object>> Client::update(api::Object object, std::string subresource,
                                                async::StopToken stop) {
  const api::TypeDesc& type = object.desc();
  const auto* meta = api::metadata(object);
  auto request =
      make_request("PUT", api::resource_path(type, meta->namespace_, meta->name, subresource), {});
  request.headers.add("Content-Type", "application/json");
  api::to_json(request.body, type, object.data());
  co_return co_await send_object(std::move(request), &type, std::move(stop));
}

async::Task<Result<api::Object>> Client::patch(const api::TypeDesc& type, api::ObjectKey key,
                                               PatchType kind, std::string body,
                                               std::string subresource, async::StopToken stop) {
  std::string query;
  if (kind == PatchType::kApply) {
    add_query(query, "fieldManager", user_agent_.substr(0, user_agent_.find('/')));
    add_query(query, "force", "true");
  }
  auto request =
      make_request("PATCH", api::resource_path(type, key.namespace_, key.name, subresource), query);
  request.headers.add("Content-Type", std::string(patch_content_type(kind)));
  request.body = std::move(body);
  co_return co_await send_object(std::move(request), &type, std::move(stop));
}

async::Task<Status> Client::remove(const api::TypeDesc& type, api::ObjectKey key, DeleteQuery query,
                                   async::StopToken stop) {
  auto request = make_request("DELETE", api::resource_path(type, key.namespace_, key.name), {});
  request.headers.add("Content-Type", "application/json");
  request.body = delete_body(query);
  auto response = co_await send(std::move(request), false, std::move(stop));
  if (!response) co_return std::move(response).error();
  co_return Status();
}

}  // namespace kpp::client
