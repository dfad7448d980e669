// Tables that describe the API types: generated from the .proto files, read by everything generic
// (JSON and protobuf codecs, defaulting, patching, apply, OpenAPI, discovery, printing). Immutable
// static data; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/types.h"

namespace kpp::api {

struct TypeDesc;

enum class FieldType : std::uint8_t {
  kBool,
  kInt32,
  kInt64,
  kUint32,
  kUint64,
  kDouble,
  kString,
  kBytes,
  kMessage,
  // Special types; each is a struct of api/types.h.
  kTime,
  kMicroTime,
  kQuantity,
  kIntOrString,
  kRawJson,
  kStringList,
  kDuration,
};

// How the C++ member holds the value.
enum class Cardinality : std::uint8_t {
  kValue,     // T
  kOptional,  // std::optional<T>; Opt<T> for messages
  kList,      // std::vector<T>
  kMap,       // std::map<std::string, T>
};

enum class ListType : std::uint8_t { kNone, kAtomic, kSet, kMap };

struct FieldDesc {
  std::string_view json_name;
  std::uint32_t number;
  FieldType type;
  Cardinality cardinality;
  bool always;  // written even when it is zero
  bool required;
  bool inlined;  // a message whose members stand in the surrounding JSON object
  bool pointer;  // as the original's type has it (optional scalars too)
  ListType list_type;
  bool map_atomic;
  std::size_t offset;            // of the member in its struct
  const TypeDesc* (*message)();  // for kMessage
  std::span<const std::string_view> list_map_keys;
  std::string_view patch_strategy;
  std::string_view patch_merge_key;
  std::string_view schema_default;  // JSON; empty: none
  std::span<const std::string_view> enum_values;
  std::string_view doc;
  FieldType map_key_type;  // kString, but for CRI maps
};

struct ColumnDesc {
  std::string_view name, type, format, description;
  int priority;
};

struct SubresourceDesc {
  std::string_view name, verbs, kind, kind_group, kind_version;
};

// A served resource.
struct ResourceDesc {
  std::string_view plural, singular;
  bool namespaced;
  std::string_view verbs;  // comma separated
  std::span<const std::string_view> short_names;
  std::span<const std::string_view> categories;
  std::string_view storage_version_hash, etcd_prefix, storage_version;
  std::span<const SubresourceDesc> subresources;
  std::span<const ColumnDesc> columns;
  std::span<const std::string_view> selectable_fields;
  bool table_served;
};

struct Gvk {
  std::string_view group, version, kind;
};

// What generic code may do with a type that it only knows by its description. Pointers are to the
// containers that the generated structs hold.
struct TypeOps {
  void* (*make)();
  void (*destroy)(void*);
  void (*assign)(void* to, const void* from);
  std::size_t (*list_size)(const void* list);
  const void* (*list_at)(const void* list, std::size_t i);
  void* (*list_add)(void* list);
  void (*list_clear)(void* list);
  const void* (*opt_get)(const void* opt);  // nullptr: absent
  void* (*opt_make)(void* opt);             // replaces
  void (*opt_reset)(void* opt);
  std::size_t (*map_size)(const void* map);
  void (*map_each)(const void* map, void* context,
                   void (*call)(void* context, const std::string& key, const void* value));
  void* (*map_add)(void* map, const std::string& key);  // replaces
  void (*map_clear)(void* map);
};

struct TypeDesc {
  std::string_view package;           // k8s.io.api.core.v1
  std::string_view name;              // PodSpec
  std::string_view go_package;        // "v1": as the original's decoder names the type in messages
  std::span<const FieldDesc> fields;  // in the order of JSON output
  std::span<const Gvk> gvks;          // root objects only
  const ResourceDesc* resource;       // kinds that are served
  const TypeOps* ops;
  bool map_atomic;  // x-kubernetes-map-type: atomic
  std::string_view unions;
  std::string_view doc;

  // The field of this JSON name, looking into inlined messages too. `at` is moved to the struct
  // that holds it.
  const FieldDesc* find(std::string_view json_name, std::size_t& base_offset) const;
  const FieldDesc* find(std::string_view json_name) const;
  const FieldDesc* find_number(std::uint32_t number) const;
  bool is_root() const { return !gvks.empty(); }
  std::string full_name() const;  // definition name: io.k8s.api.core.v1.PodSpec
};

// All types, in the order of their packages.
std::span<const TypeDesc* const> all_types();
// The type of a group, version and kind; nullptr if there is none.
const TypeDesc* find_type(std::string_view group, std::string_view version, std::string_view kind);

// An object whose type is known at run time only. Owns it.
class Object {
 public:
  Object() = default;
  explicit Object(const TypeDesc& desc) : desc_(&desc), data_(desc.ops->make()) {}
  Object(const Object& o) : desc_(o.desc_), data_(o.desc_ ? o.desc_->ops->make() : nullptr) {
    if (desc_) desc_->ops->assign(data_, o.data_);
  }
  Object(Object&& o) noexcept
      : desc_(std::exchange(o.desc_, nullptr)), data_(std::exchange(o.data_, nullptr)) {}
  Object& operator=(Object o) noexcept {
    std::swap(desc_, o.desc_);
    std::swap(data_, o.data_);
    return *this;
  }
  ~Object() {
    if (desc_) desc_->ops->destroy(data_);
  }
  // From a typed value.
  template <class T>
  static Object of(const T& value) {
    Object out(T::desc());
    *static_cast<T*>(out.data_) = value;
    return out;
  }
  explicit operator bool() const { return desc_ != nullptr; }
  const TypeDesc& desc() const { return *desc_; }
  void* data() { return data_; }
  const void* data() const { return data_; }
  // The typed value, or nullptr if it is of another type.
  template <class T>
  T* as() {
    return desc_ == &T::desc() ? static_cast<T*>(data_) : nullptr;
  }
  template <class T>
  const T* as() const {
    return desc_ == &T::desc() ? static_cast<const T*>(data_) : nullptr;
  }

 private:
  const TypeDesc* desc_ = nullptr;
  void* data_ = nullptr;
};

}  // namespace kpp::api
