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
  auto event = decode(line);
  start_ = end + 1;
  if (start_ == buffer_.size()) {
    buffer_ = std::string();  // an idle watch keeps no memory
    start_ = 0;
  }
  return event;
}

Result<RawEvent> WatchDecoder::decode(std::string_view line) const {
  RawEvent event;
  std::string aside;  // an object whose type is not known yet, or an error
  Status decoded;
  json::Reader reader(line);
  reader.members([&](std::string_view name) {
    if (name == "type" && reader.kind() == json::Reader::Kind::kString) {
      event.type = reader.text();
    } else if (name == "object" && (event.type.empty() || event.type == "ERROR")) {
      aside = reader.compact();
    } else if (name == "object") {
      event.object = api::Object(type_);
      decoded = api::from_json(reader, type_, event.object.data(), options_);
    }
  });
  KPP_RETURN_IF_ERROR(reader.finish());
  if (event.type.empty() || (aside.empty() && !event.object)) {
    return fail(Reason::kBadRequest, "watch: not an event");
  }
  if (event.type == "ERROR") {
    KPP_ASSIGN(const json::Value document, json::parse(aside));
    return fail(status_from_document(document, 500));
  }
  if (!aside.empty()) {
    event.object = api::Object(type_);
    decoded = api::from_json_text(aside, type_, event.object.data(), options_);
  }
  KPP_RETURN_IF_ERROR(decoded);
  return event;
}

}  // namespace kpp::client
