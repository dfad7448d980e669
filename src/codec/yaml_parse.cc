// The reader: libyaml's events into a JSON tree.
#include <yaml.h>

#include <cmath>
#include <map>
#include <optional>

#include "codec/yaml.h"
#include "codec/yaml_resolve.h"

namespace kpp::yaml {
namespace {

constexpr int kMaxDepth = 1000;
// What aliases may add to a document; a hundred times the bytes that were read are more than any
// honest one needs.
constexpr std::size_t kAliasAllowance = 400'000;

std::string_view text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string_view()
                         : std::string_view(reinterpret_cast<const char*>(text));
}

// One event of libyaml, freed when it goes.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&event_); }
  yaml_event_t* get() { return &event_; }
  yaml_event_t* operator->() { return &event_; }

 private:
  yaml_event_t event_{};
};

std::size_t count_nodes(const json::Value& value) {
  std::size_t n = 1;
  if (const auto* array = value.if_array()) {
    for (const auto& item : *array) n += count_nodes(item);
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) n += 1 + count_nodes(member.value());
  }
  return n;
}

class Reader {
 public:
  explicit Reader(std::string_view text, std::vector<std::string>* duplicates = nullptr)
      : duplicates_(duplicates), alias_budget_(kAliasAllowance + text.size()) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { yaml_parser_delete(&parser_); }

  // The next document; nullopt at the end of the stream. An empty document is null.
  Result<std::optional<json::Value>> next() {
    for (;;) {
      Event event;
      if (!read(event)) return fail(Reason::kBadRequest, error_);
      if (event->type == YAML_STREAM_END_EVENT) return std::nullopt;
      if (event->type != YAML_DOCUMENT_START_EVENT) continue;
      anchors_.clear();
      Event first;
      json::Value value;
      if (!read(first) || !node(first, value, 0)) return fail(Reason::kBadRequest, error_);
      return std::optional<json::Value>(std::move(value));
    }
  }

 private:
  bool read(Event& event) {
    if (yaml_parser_parse(&parser_, event.get()) != 0) return true;
    // Errors of the scanner count lines from 0, those of the parser stand behind the line; the
    // first line is not named.
    std::size_t line = 0;
    if (parser_.context_mark.line != 0) {
      line = parser_.context_mark.line;
    } else {
      line = parser_.problem_mark.line;
    }
    if (line != 0 && parser_.error == YAML_SCANNER_ERROR) ++line;
    error_ = "yaml: ";
    if (line != 0) error_ += cat("line ", line, ": ");
    error_ += parser_.problem != nullptr ? parser_.problem : "unknown problem parsing YAML content";
    return false;
  }

  bool node(Event& event, json::Value& out, int depth) {
    if (depth > kMaxDepth) return error("exceeded max depth");
    switch (event->type) {
      case YAML_SCALAR_EVENT:
        if (!scalar(event, out)) return false;
        remember(event->data.scalar.anchor, out);
        return true;
      case YAML_SEQUENCE_START_EVENT: {
        const std::string anchor(text_of(event->data.sequence_start.anchor));
        if (!sequence(out, depth)) return false;
        if (!anchor.empty()) anchors_[anchor] = out;
        return true;
      }
      case YAML_MAPPING_START_EVENT: {
        const std::string anchor(text_of(event->data.mapping_start.anchor));
        if (!mapping(out, depth)) return false;
        if (!anchor.empty()) anchors_[anchor] = out;
        return true;
      }
      case YAML_ALIAS_EVENT:
        return alias(event, out);
      default:
        return error("unexpected event");
    }
  }

  bool alias(Event& event, json::Value& out) {
    const std::string_view name = text_of(event->data.alias.anchor);
    const auto found = anchors_.find(std::string(name));
    if (found == anchors_.end()) return error(cat("unknown anchor '", name, "' referenced"));
    const std::size_t nodes = count_nodes(found->second);
    if (nodes > alias_budget_) return error("document contains excessive aliasing");
    alias_budget_ -= nodes;
    out = found->second;
    return true;
  }

  void remember(const yaml_char_t* anchor, const json::Value& value) {
    if (anchor != nullptr) anchors_[std::string(text_of(anchor))] = value;
  }

  bool sequence(json::Value& out, int depth) {
    json::Array& array = out.emplace_array();
    for (;;) {
      Event event;
      if (!read(event)) return false;
      if (event->type == YAML_SEQUENCE_END_EVENT) return true;
      json::Value item;
      if (!node(event, item, depth + 1)) return false;
      array.push_back(std::move(item));
    }
  }

  bool mapping(json::Value& out, int depth) {
    json::Object& object = out.emplace_object();
    json::Object merged;
    for (;;) {
      Event event;
      if (!read(event)) return false;
      if (event->type == YAML_MAPPING_END_EVENT) break;
      const bool is_merge = event->type == YAML_SCALAR_EVENT &&
                            event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                            text_of(event->data.scalar.value) == "<<";
      json::Value key;
      if (!node(event, key, depth + 1)) return false;
      Event value_event;
      json::Value value;
      if (!read(value_event)) return false;
      const std::size_t line = value_event->start_mark.line + 1;
      if (!node(value_event, value, depth + 1)) return false;
      if (is_merge) {
        if (!merge(value, merged)) return false;
        continue;
      }
      std::string name;
      if (!key_text(key, name)) return false;
      const bool fresh =
          object.insert_or_assign({name.data(), name.size()}, std::move(value)).second;
      if (!fresh && duplicates_ != nullptr) {
        duplicates_->push_back(cat("line ", line, ": key ", quoted(name), " already set in map"));
      }
    }
    for (auto& member : merged) object.emplace(member.key(), std::move(member.value()));
    return true;
  }

  // Collects the members of a mapping, or of a list of mappings of which the first wins.
  bool merge(const json::Value& from, json::Object& into) {
    if (const auto* object = from.if_object()) {
      for (const auto& member : *object) into.emplace(member.key(), member.value());
      return true;
    }
    if (const auto* array = from.if_array()) {
      for (const auto& item : *array) {
        if (!item.is_object() || !merge(item, into))
          return error("map merge requires map or sequence of maps as the value");
      }
      return true;
    }
    return error("map merge requires map or sequence of maps as the value");
  }

  bool key_text(const json::Value& key, std::string& out) {
    switch (key.kind()) {
      case boost::json::kind::string:
        out.assign(key.get_string().data(), key.get_string().size());
        return true;
      case boost::json::kind::array:
      case boost::json::kind::object:
        return error("invalid map key");
      default:
        out = json::write(key);
        return true;
    }
  }

  bool scalar(Event& event, json::Value& out) {
    const auto& data = event->data.scalar;
    const std::string_view text(reinterpret_cast<const char*>(data.value), data.length);
    const std::string_view tag = text_of(data.tag);
    const bool plain = data.style == YAML_PLAIN_SCALAR_STYLE;
    if (tag == YAML_STR_TAG || tag == "!" || (tag.empty() && !plain)) {
      out = boost::json::string(text.data(), text.size());
      return true;
    }
    out = resolve_plain(text);
    if (const double* number = out.if_double(); number != nullptr && !std::isfinite(*number)) {
      return error(cat("unsupported value: ", text));
    }
    return true;
  }

  bool error(std::string_view message) {
    error_ = cat("yaml: ", message);
    return false;
  }

  yaml_parser_t parser_{};
  std::map<std::string, json::Value> anchors_;
  std::vector<std::string>* duplicates_;
  std::size_t alias_budget_;  // nodes
  std::string error_;
};

}  // namespace

Result<json::Value> parse(std::string_view text, const ParseOptions& options) {
  auto document = Reader(text, options.duplicates).next();
  if (!document) {
    return fail(Reason::kBadRequest,
                cat("error converting YAML to JSON: ", document.error().message()));
  }
  if (!*document) return json::Value(nullptr);
  return std::move(**document);
}

Result<std::vector<json::Value>> parse_all(std::string_view text) {
  Reader reader(text);
  std::vector<json::Value> out;
  for (;;) {
    auto document = reader.next();
    if (!document) {
      return fail(Reason::kBadRequest,
                  cat("error converting YAML to JSON: ", document.error().message()));
    }
    if (!*document) return out;
    if (!(*document)->is_null()) out.push_back(std::move(**document));
  }
}

}  // namespace kpp::yaml
