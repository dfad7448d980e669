// Which form an answer takes: media type, and whether as Table or metadata only.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "net/http.h"

namespace kpp::apiserver {

enum class MediaType { kJson, kYaml, kProtobuf };
enum class Form { kObject, kTable, kPartialMetadata, kPartialMetadataList };

struct Accept {
  MediaType media = MediaType::kJson;
  Form form = Form::kObject;
  std::string form_version = "v1";  // of meta.k8s.io
  bool pretty = false;
  std::string content_type()
      const;  // "application/json", with the parameters of the form where the original has them
};

// Whether an answer is for people's eyes: they asked for it, or by a program that people use.
bool wants_pretty(const net::Headers& headers, const net::Query& query);

// What the client wants of an object or list. `watching` adds the stream forms. kNotAcceptable if
// nothing fits.
Result<Accept> negotiate(const net::Headers& headers, const net::Query& query, bool allow_forms);

// The media type of a request's body; empty Content-Type is JSON. kUnsupportedMediaType otherwise.
Result<MediaType> body_media(const net::Headers& headers);

// One entry of an Accept header: "application/json;as=Table;v=v1;g=meta.k8s.io".
struct AcceptEntry {
  std::string type;
  std::string as, version, group;
  double quality = 1;
  int order = 0;  // place in the header
};
std::vector<AcceptEntry> parse_accept(std::string_view header);

}  // namespace kpp::apiserver
