#include "api/schema.h"

#include <algorithm>
#include <unordered_map>

#include "base/cat.h"

namespace kpp::api {

extern const TypeDesc* const* const kPackages[];
extern const std::size_t* const kPackageSizes[];
extern const std::size_t kPackageCount;

namespace {

struct Index {
  std::vector<const TypeDesc*> types;
  std::unordered_map<std::string, const TypeDesc*> by_gvk;

  Index() {
    for (std::size_t p = 0; p < kPackageCount; ++p) {
      for (std::size_t i = 0; i < *kPackageSizes[p]; ++i) {
        const TypeDesc* type = kPackages[p][i];
        types.push_back(type);
        for (const auto& gvk : type->gvks) {
          by_gvk.emplace(cat(gvk.group, "/", gvk.version, "/", gvk.kind), type);
        }
      }
    }
  }
};

const Index& index() {
  static const Index kIndex;
  return kIndex;
}

}  // namespace

const FieldDesc* TypeDesc::find(std::string_view json_name, std::size_t& base_offset) const {
  for (const auto& field : fields) {
    if (field.inlined) {
      const std::size_t outer = base_offset;
      base_offset += field.offset;
      if (const auto* found = field.message()->find(json_name, base_offset)) return found;
      base_offset = outer;
    } else if (field.json_name == json_name) {
      return &field;
    }
  }
  return nullptr;
}

const FieldDesc* TypeDesc::find(std::string_view json_name) const {
  std::size_t unused = 0;
  return find(json_name, unused);
}

const FieldDesc* TypeDesc::find_number(std::uint32_t number) const {
  for (const auto& field : fields) {
    if (field.number == number) return &field;
  }
  return nullptr;
}

std::string TypeDesc::full_name() const {
  std::string package_name(package);
  if (package_name.starts_with("k8s.io.")) package_name = cat("io.k8s.", package_name.substr(7));
  std::replace(package_name.begin(), package_name.end(), '_', '-');
  return cat(package_name, ".", name);
}

std::span<const TypeDesc* const> all_types() { return index().types; }

const TypeDesc* find_type(std::string_view group, std::string_view version, std::string_view kind) {
  const auto it = index().by_gvk.find(cat(group, "/", version, "/", kind));
  return it == index().by_gvk.end() ? nullptr : it->second;
}

}  // namespace kpp::api
