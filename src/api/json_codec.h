// JSON for the typed API objects, driven by the schema: reads and writes exactly as the original's
// encoder does (omitempty rules, field order, base64 bytes, null times) and refuses with its words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "base/status.h"
#include "codec/json.h"
#include "codec/json_reader.h"

namespace kpp::api {

struct DecodeOptions {
  // If set, receives the paths of members that the schema does not know ("spec.containers[0].foo"),
  // in order.
  std::vector<std::string>* unknown_fields = nullptr;
  // Leaves metadata.managedFields out: nobody reads them from a cache, and they are half of many
  // objects.
  bool without_managed_fields = false;
};

// Fills `out` from a document. Members that are absent keep what `out` holds; null clears a field.
// Errors: kBadRequest with Go's text, e.g. "json: cannot unmarshal string into Go struct field
// DeploymentSpec.spec.replicas of type int32"; for quantities and times with their own parsers'
// texts.
Status from_json(const json::Value& document, const TypeDesc& desc, void* out,
                 const DecodeOptions& options = {});

// The same from text, without a document between: for objects that are read as they stand. Of
// members that stand twice the last counts, message by message. Errors of the text come first, in
// the words of json::parse.
Status from_json_text(std::string_view text, const TypeDesc& desc, void* out,
                      const DecodeOptions& options = {});
// The same from where a reader stands; the reader's own errors are for the caller to ask for.
Status from_json(json::Reader& reader, const TypeDesc& desc, void* out,
                 const DecodeOptions& options = {});

// Decodes text into a fresh T.
template <class T>
Result<T> parse_json(std::string_view text);

struct EncodeOptions {
  // Write "kind" and "apiVersion" first, from the type's first gvk (roots only).
  bool type_meta = true;
};

void to_json(std::string& out, const TypeDesc& desc, const void* object,
             const EncodeOptions& options = {});
// The object as a document, with the same rules.
json::Value to_document(const TypeDesc& desc, const void* object,
                        const EncodeOptions& options = {});

template <class T>
std::string to_json(const T& object, const EncodeOptions& options = {}) {
  std::string out;
  to_json(out, T::desc(), &object, options);
  return out;
}
template <class T>
json::Value to_document(const T& object, const EncodeOptions& options = {}) {
  return to_document(T::desc(), &object, options);
}

// Semantic equality, field by field: absent and empty lists and maps are equal.
bool equal(const TypeDesc& desc, const void* a, const void* b);
template <class T>
bool equal(const T& a, const T& b) {
  return equal(T::desc(), &a, &b);
}

template <class T>
Result<T> parse_json(std::string_view text) {
  T out;
  KPP_RETURN_IF_ERROR(from_json_text(text, T::desc(), &out));
  return out;
}

}  // namespace kpp::api
