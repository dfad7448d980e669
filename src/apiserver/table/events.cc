#include <string>

#include "apiserver/conversion.h"
#include "apiserver/table/printers.h"
#include "base/cat.h"

namespace kpp::apiserver {
namespace {

std::string source_text(const corev1::EventSource& source, const std::string& controller,
                        const std::string& instance) {
  const auto& component = source.component.empty() ? controller : source.component;
  const auto& host = source.host.empty() ? instance : source.host;
  return host.empty() ? component : cat(component, ", ", host);
}

std::string object_text(const corev1::ObjectReference& object) {
  const auto kind = lower(object.kind);
  return object.name.empty() ? kind : cat(kind, '/', object.name);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

void event_row(const corev1::Event& event, Row& row) {
  const auto first = event.first_timestamp.is_zero() ? row.since(event.event_time)
                                                     : row.since(event.first_timestamp);
  auto last = event.last_timestamp.is_zero() ? first : row.since(event.last_timestamp);
  auto count = event.count;
  if (event.series) {
    last = row.since(event.series->last_observed_time);
    count = event.series->count;
  } else if (count == 0) {
    count = 1;  // a single event, reported without a count
  }
  row.text(last)
      .text(event.type)
      .text(event.reason)
      .text(object_text(event.involved_object))
      .text(event.involved_object.field_path)
      .text(source_text(event.source, event.reporting_component, event.reporting_instance))
      .text(trimmed(event.message))
      .text(first)
      .number(count)
      .text(event.metadata.name);
}

void events_group_row(const eventsv1::Event& event, Row& row) {
  const auto core = convert(api::Object::of(event), corev1::Event::desc());
  event_row(*core.as<corev1::Event>(), row);
}

}  // namespace kpp::apiserver
