#include "apiserver/negotiation.h"

#include <algorithm>
#include <cstdlib>

#include "apiserver/errors.h"

namespace kpp::apiserver {
namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

template <class F>
void each_part(std::string_view text, char separator, F call) {
  while (true) {
    const auto at = text.find(separator);
    call(trim(text.substr(0, at)));
    if (at == std::string_view::npos) return;
    text.remove_prefix(at + 1);
  }
}

bool media_of(std::string_view type, MediaType& out) {
  if (type == "application/json" || type == "*/*") {
    out = MediaType::kJson;
  } else if (type == "application/yaml" || type == "application/x-yaml" || type == "text/yaml") {
    out = MediaType::kYaml;
  } else if (type == "application/vnd.kubernetes.protobuf") {
    out = MediaType::kProtobuf;
  } else {
    return false;
  }
  return true;
}

Status only_these() {
  return Status(Reason::kNotAcceptable,
                "only the following media types are accepted: application/json, application/yaml, "
                "application/vnd.kubernetes.protobuf");
}

}  // namespace

std::vector<AcceptEntry> parse_accept(std::string_view header) {
  std::vector<AcceptEntry> out;
  each_part(header, ',', [&](std::string_view part) {
    if (part.empty()) return;
    AcceptEntry entry;
    entry.order = static_cast<int>(out.size());
    bool first = true;
    each_part(part, ';', [&](std::string_view piece) {
      if (first) {
        entry.type = piece;
        first = false;
        return;
      }
      const auto equals = piece.find('=');
      const auto key = trim(piece.substr(0, equals));
      const auto value =
          equals == std::string_view::npos ? std::string_view() : trim(piece.substr(equals + 1));
      if (key == "as") entry.as = value;
      if (key == "v") entry.version = value;
      if (key == "g") entry.group = value;
      if (key == "q") entry.quality = std::strtod(std::string(value).c_str(), nullptr);
    });
    out.push_back(std::move(entry));
  });
  std::ranges::sort(out, [](const auto& a, const auto& b) {
    return a.quality > b.quality || (a.quality == b.quality && a.order < b.order);
  });
  return out;
}

std::string Accept::content_type() const {
  switch (media) {
    case MediaType::kJson:
      return "application/json";
    case MediaType::kYaml:
      return "application/yaml";
    case MediaType::kProtobuf:
      return "application/vnd.kubernetes.protobuf";
  }
  return {};
}

bool wants_pretty(const net::Headers& headers, const net::Query& query) {
  if (query.has("pretty")) {
    const auto pretty = query.get("pretty");
    return pretty == "true" || pretty == "1" || pretty.empty();
  }
  const auto agent = headers.get("User-Agent");
  return agent.starts_with("curl") || agent.starts_with("Wget") || agent.starts_with("Mozilla/5.0");
}

Result<Accept> negotiate(const net::Headers& headers, const net::Query& query, bool allow_forms) {
  Accept out;
  out.pretty = wants_pretty(headers, query);
  const std::string_view header = headers.get("Accept");
  if (header.empty()) return out;
  bool type_matched = false;
  for (const auto& entry : parse_accept(header)) {
    MediaType media{};
    if (!media_of(entry.type, media)) continue;
    type_matched = true;
    if (entry.as.empty()) {
      out.media = media;
      return out;
    }
    if (!allow_forms || entry.group != "meta.k8s.io" ||
        (entry.version != "v1" && entry.version != "v1beta1"))
      continue;
    if (entry.as == "Table") {
      if (media == MediaType::kProtobuf) continue;
      out.form = Form::kTable;
    } else if (entry.as == "PartialObjectMetadata") {
      out.form = Form::kPartialMetadata;
    } else if (entry.as == "PartialObjectMetadataList") {
      out.form = Form::kPartialMetadataList;
    } else {
      continue;
    }
    out.media = media;
    out.form_version = entry.version;
    return out;
  }
  return fail(type_matched ? only_these() : not_acceptable());
}

Result<MediaType> body_media(const net::Headers& headers) {
  std::string_view type = headers.get("Content-Type");
  type = trim(type.substr(0, type.find(';')));
  if (type.empty()) return MediaType::kJson;
  MediaType out{};
  if (type == "*/*" || !media_of(type, out)) {
    return fail(
        Status(Reason::kUnsupportedMediaType,
               "the body of the request was in an unknown format - accepted media types include: "
               "application/json, application/yaml, application/vnd.kubernetes.protobuf"));
  }
  return out;
}

}  // namespace kpp::apiserver
