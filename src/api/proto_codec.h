// Protobuf for the typed API objects, driven by the schema. Field order and presence on the wire
// are those of the original's generated code (values always written, pointers when set), so that
// stored bytes can be exchanged.
#pragma once

#include <string>
#include <string_view>

#include "api/schema.h"
#include "base/status.h"

namespace kpp::api {

void to_proto(std::string& out, const TypeDesc& desc, const void* message);
// Errors: kBadRequest; unknown fields are skipped; sizes and nesting are checked.
Status from_proto(std::string_view bytes, const TypeDesc& desc, void* out);

// The envelope of application/vnd.kubernetes.protobuf: "k8s\0" and runtime.Unknown with apiVersion
// and kind.
std::string to_envelope(const TypeDesc& desc, const void* object);
// The same around bytes that are encoded already.
std::string make_envelope(std::string_view api_version, std::string_view kind,
                          std::string_view raw);
struct Envelope {
  std::string api_version, kind, raw;
};
Result<Envelope> parse_envelope(std::string_view bytes);

template <class T>
std::string to_proto(const T& message) {
  std::string out;
  to_proto(out, T::desc(), &message);
  return out;
}
template <class T>
Result<T> parse_proto(std::string_view bytes) {
  T out;
  KPP_RETURN_IF_ERROR(from_proto(bytes, T::desc(), &out));
  return out;
}

}  // namespace kpp::api
