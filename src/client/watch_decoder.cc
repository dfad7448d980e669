#include "client/watch_decoder.h"

#include "client/status_decoder.h"

namespace kpp::client {

void WatchDecoder::feed(std::string_view bytes) {
  if (start_ > 0) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  buffer_.append(bytes);
}

Result<RawEvent> WatchDecoder::take() {
  if (too_long() && buffer_.find('\n', start_) == std::string::npos)
    return fail(Reason::kIo, "watch event too long");
  const auto end = buffer_.find('\n', start_);
  const std::string_view line = std::string_view(buffer_).substr(start_, end - start_);
  const auto parsed = json::parse(line);
  start_ = end + 1;
  if (start_ == buffer_.size()) {
    buffer_ = std::string();  // an idle watch keeps no memory
    start_ = 0;
  }
  if (!parsed) return fail(parsed.error());
  RawEvent event;
  event.type = json::text_at(*parsed, "type");
  const json::Value* object = json::find(*parsed, "object");
  if (event.type.empty() || !object) return fail(Reason::kBadRequest, "watch: not an event");
  if (event.type == "ERROR") return fail(status_from_document(*object, 500));
  event.object = api::Object(type_);
  KPP_RETURN_IF_ERROR(api::from_json(*object, type_, event.object.data()));
  return event;
}

}  // namespace kpp::client
