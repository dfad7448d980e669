// How values of a type are merged and owned: a graph made once from a type's table, or by hand from
// another schema.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"

namespace kpp::api {

// One value: a scalar, a list or a map (structs are maps whose fields are declared).
struct MergeType {
  enum class Kind : std::uint8_t {
    kString,
    kNumber,
    kBool,
    kScalar,  // any scalar
    kAny,     // a value without a schema, owned as a whole
    kList,
    kMap,
  };
  struct Field {
    std::string name;
    std::string element;  // "f:name"
    const MergeType* type = nullptr;
    std::string default_value;        // JSON; empty: none
    const FieldDesc* desc = nullptr;  // of a generated struct
    std::size_t holder_offset = 0;    // of the struct that holds the member (inlined messages)
  };
  struct Key {
    std::string name;
    const Field* field = nullptr;
  };

  Kind kind = Kind::kAny;
  bool atomic = false;  // lists and maps that have one owner
  const MergeType* element =
      nullptr;  // of lists; of maps: of members that are no fields, nullptr if there may be none
  std::vector<Key> keys;             // of lists of maps, by name; none: a set of scalars
  std::vector<Field> fields;         // by name
  const MergeType* shape = nullptr;  // the type whose fields these are (an atomic view of a
                                     // granular struct, or the other way)

  const std::vector<Field>& members() const { return shape != nullptr ? shape->fields : fields; }
  const Field* field(std::string_view name) const;
  // The type of a map's member, nullptr if the map has none of that name.
  const MergeType* value_type(std::string_view name, bool* declared = nullptr) const;
};

// The merge type of a generated type. Thread-safe; made at the first call, then shared.
const MergeType& merge_type(const TypeDesc& desc);

}  // namespace kpp::api
