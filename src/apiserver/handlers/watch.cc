#include "api/proto_codec.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/list_options.h"
#include "apiserver/handlers/websocket_answer.h"
#include "apiserver/status_form.h"
#include "apiserver/table/table.h"
#include "base/ids.h"
#include "net/websocket.h"

namespace kpp::apiserver {
namespace {

constexpr auto kBookmarkEvery = std::chrono::minutes(1);

// What a watcher sees of a change, given what it selects.
struct Seen {
  std::string_view type;  // empty: nothing
  CachedRef object;       // DELETED: the last state, at the deletion's revision
};

Seen seen_by(const Selection& selection, const CacheEvent& event) {
  const bool before = event.previous && selection.matches(*event.previous);
  const bool after = event.object && selection.matches(*event.object);
  if (after) return {before ? "MODIFIED" : "ADDED", event.object};
  if (!before) return {};
  return {"DELETED", event.previous};
}

constexpr std::size_t kFrameHead = 4;  // of protobuf: the frame's size

net::SharedBytes protobuf_frame(std::string_view type, std::string_view envelope) {
  // A WatchEvent message (type 1, object.raw 1) of its own length, after four bytes of big-endian
  // size.
  metav1::WatchEvent event;
  event.type = type;
  event.object.json = envelope;  // RawExtension carries the envelope's bytes as they are
  const std::string message = api::to_proto(event);
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>((message.size() >> shift) & 0xff);
  return std::make_shared<const std::string>(out + message);
}

// The end of a watch that cannot go on.
net::SharedBytes error_frame(const Accept& accept, const Status& why) {
  const std::string text = status_body(why);
  if (accept.media == MediaType::kProtobuf) return protobuf_frame("ERROR", status_envelope(text));
  return std::make_shared<const std::string>(cat(R"({"type":"ERROR","object":)", text, "}\n"));
}

// The bytes of a watch, frame by frame.
class WatchBody final : public net::BodySource {
 public:
  WatchBody(Core& core, const ServedResource& resource, Accept accept, std::string include,
            Selection selection, ListOptions options,
            std::unique_ptr<WatchCache::Subscription> subscription, std::deque<CachedRef> initial)
      : core_(core),
        resource_(resource),
        accept_(std::move(accept)),
        include_(std::move(include)),
        selection_(std::move(selection)),
        options_(options),
        subscription_(std::move(subscription)),
        initial_(std::move(initial)),
        started_at_(core.cache.revision()),
        initial_end_pending_(options.send_initial_events && options.bookmarks) {
    // As the original: between 30 and 60 minutes when the client names no time.
    const auto seconds = options.timeout_seconds > 0 ? options.timeout_seconds : 2700;
    deadline_ = core.executor.steady() + std::chrono::seconds(seconds);
    next_bookmark_ = core.executor.steady() + kBookmarkEvery;
  }

  async::Task<Result<net::SharedBytes>> next(async::StopToken stop) override {
    while (true) {
      if (!initial_.empty()) {
        const CachedRef object = std::move(initial_.front());
        initial_.pop_front();
        co_return frame("ADDED", *object, object->revision);
      }
      if (initial_end_pending_) {
        initial_end_pending_ = false;
        co_return bookmark(started_at_, true);
      }
      TimePoint until = deadline_;
      if (options_.bookmarks && next_bookmark_ < until) until = next_bookmark_;
      const CacheEventRef event =
          co_await subscription_->watcher().next(until, core_.executor, stop);
      if (stop.stop_requested()) co_return net::SharedBytes();
      if (!event) {
        // A watcher that was cut off has seen all up to some revision: the client goes on from
        // there, and learns then whether that is too old.
        if (subscription_->watcher().overflowed() || core_.executor.steady() >= deadline_)
          co_return net::SharedBytes();
        next_bookmark_ = core_.executor.steady() + kBookmarkEvery;
        co_return bookmark(core_.cache.revision(), false);
      }
      // A version that this server had not reached yet: nothing up to it is new to the client.
      if (event->revision <= options_.revision) continue;
      const Seen seen = seen_by(selection_, *event);
      if (!seen.type.empty()) co_return frame(seen.type, *seen.object, event->revision);
    }
  }

 private:
  net::SharedBytes finish(std::string_view type, std::string object) {
    return std::make_shared<const std::string>(
        cat(R"({"type":")", type, R"(","object":)", object, "}\n"));
  }

  net::SharedBytes frame(std::string_view type, const CachedObject& object,
                         store::Revision revision) {
    if (accept_.media == MediaType::kProtobuf || accept_.form != Form::kObject ||
        object.revision != revision) {
      api::Object typed = decode_cached(resource_, object);
      auto* meta = api::metadata(typed);
      meta->resource_version = cat(revision);
      if (accept_.form == Form::kTable) return table_frame(type, typed, revision);
      if (accept_.form != Form::kObject) {
        metav1::PartialObjectMetadata partial;
        partial.metadata = bare_metadata(resource_, typed);
        if (accept_.media == MediaType::kProtobuf) {
          return protobuf_frame(type, api::to_envelope(partial.desc(), &partial));
        }
        return finish(type, api::to_json(partial));
      }
      if (accept_.media == MediaType::kProtobuf) {
        return protobuf_frame(type, api::to_envelope(*resource_.type, typed.data()));
      }
      std::string text;
      api::to_json(text, *resource_.type, typed.data());
      return finish(type, std::move(text));
    }
    return finish(type, *served_json(resource_, object));
  }

  net::SharedBytes table_frame(std::string_view type, const api::Object& typed,
                               store::Revision revision) {
    const TableRow row = table_row(typed, core_.executor.wall());
    std::string text =
        cat(R"({"kind":"Table","apiVersion":"meta.k8s.io/)", accept_.form_version,
            R"(","metadata":{"resourceVersion":")", revision, R"("},"columnDefinitions":)",
            columns_sent_ ? std::string("null") : table_columns(*resource_.type),
            R"(,"rows":[{"cells":)", row.cells);
    columns_sent_ = true;
    if (!row.conditions.empty()) text += cat(",\"conditions\":", row.conditions);
    text += ",\"object\":";
    if (include_ == "None") {
      text += "null";
    } else if (include_ == "Object") {
      api::to_json(text, *resource_.type, typed.data());
    } else {
      metav1::PartialObjectMetadata partial;
      partial.metadata = bare_metadata(resource_, typed);
      text += api::to_json(partial);
    }
    return finish(type, text + "}]}");
  }

  net::SharedBytes bookmark(store::Revision revision, bool initial_end) {
    metav1::ObjectMeta meta;
    meta.resource_version = cat(revision);
    if (initial_end) meta.annotations["k8s.io/initial-events-end"] = "true";
    if (accept_.form == Form::kTable) {
      metav1::PartialObjectMetadata partial;
      partial.metadata = meta;
      return finish(
          "BOOKMARK",
          cat(R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":")",
              revision, R"("},"columnDefinitions":null,"rows":[{"cells":null,"object":)",
              api::to_json(partial), "}]}"));
    }
    const api::TypeDesc& type =
        accept_.form == Form::kObject ? *resource_.type : metav1::PartialObjectMetadata::desc();
    api::Object object(type);
    *api::metadata(object) = std::move(meta);
    if (accept_.media == MediaType::kProtobuf)
      return protobuf_frame("BOOKMARK", api::to_envelope(type, object.data()));
    std::string text;
    api::to_json(text, type, object.data());
    return finish("BOOKMARK", std::move(text));
  }

  Core& core_;
  const ServedResource& resource_;
  const Accept accept_;
  const std::string include_;
  const Selection selection_;
  const ListOptions options_;
  std::unique_ptr<WatchCache::Subscription> subscription_;
  std::deque<CachedRef> initial_;
  const store::Revision started_at_;
  bool initial_end_pending_;
  bool columns_sent_ = false;
  TimePoint deadline_;
  TimePoint next_bookmark_;
};

}  // namespace

namespace {

// Waits for what a watch begins with. One that begins at a version of its own has no need to; one
// that begins at "0" shall not be shown as news what its client has written before it asked.
async::Task<Status> seen_enough(Call& call, const ListOptions& options, bool wants_state) {
  if (!options.revision_given) co_return co_await freshen(call);
  if (!wants_state && options.revision != 0) co_return Status();
  co_return co_await reach(call, options.revision);
}

net::Response in_its_transport(const Call& call, net::Response out) {
  const net::Headers& asked = call.request.headers;
  if (!call.request.upgradable || !net::wants_websocket(asked)) return out;
  const bool protobuf = call.accept.media == MediaType::kProtobuf;
  return watch_over_websocket(call.core.executor, asked, std::move(out),
                              {.text = !protobuf, .frame_head = protobuf ? kFrameHead : 0});
}

}  // namespace

async::Task<net::Response> handle_watch(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, true);
  if (!accept) {
    if (accept.error().has_details()) {
      co_return respond_status(Status(
          Reason::kNotAcceptable,
          "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, "
          "application/vnd.kubernetes.protobuf, application/json;stream=watch, "
          "application/vnd.kubernetes.protobuf;stream=watch",
          StatusDetails{}));
    }
    co_return respond_status(accept.error());
  }
  call.accept = *accept;
  if (accept->media == MediaType::kYaml) {
    co_return respond_status(
        Status(Reason::kNotAcceptable,
               "only the following media types are accepted: application/json;stream=watch, "
               "application/vnd.kubernetes.protobuf;stream=watch"),
        &call);
  }
  auto options = parse_list_options(call);
  if (!options) co_return respond_status(options.error(), &call);
  auto selection = Selection::parse(call);
  if (!selection) co_return respond_status(selection.error(), &call);

  // Without a version, or with "0", a watch begins with the present state as ADDED events.
  const bool wants_state =
      options->send_initial_events_given ? options->send_initial_events : options->revision == 0;
  net::Response out;
  out.headers.add("Content-Type", call.accept.media == MediaType::kProtobuf
                                      ? "application/vnd.kubernetes.protobuf;stream=watch"
                                      : call.accept.content_type());
  const Status there = co_await seen_enough(call, *options, wants_state);
  const auto newest = call.core.cache.revision();
  const auto from =
      wants_state || options->revision == 0 ? newest : std::min(options->revision, newest);
  auto subscription = there.ok() ? call.core.cache.subscribe(*call.resource, from)
                                 : Result<std::unique_ptr<WatchCache::Subscription>>(fail(there));
  if (!subscription) {
    // The stream is open already in the client's eyes: the error comes as an event.
    out.body.push_back(error_frame(call.accept, subscription.error()));
    co_return in_its_transport(call, std::move(out));
  }
  std::deque<CachedRef> initial;
  if (wants_state) {
    call.core.cache.cache(*call.resource)
        .each(selection->prefix(), {}, [&](const std::string&, const CachedRef& object) {
          if (selection->matches(*object)) initial.push_back(object);
          return true;
        });
  }
  out.stream = std::make_unique<WatchBody>(
      call.core, *call.resource, call.accept, std::string(call.query.get("includeObject")),
      std::move(*selection), *options, std::move(*subscription), std::move(initial));
  co_return in_its_transport(call, std::move(out));
}

}  // namespace kpp::apiserver
