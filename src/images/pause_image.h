// The image of every pod's first container, carried by this binary.
#pragma once

#include <string>

#include "base/status.h"
#include "images/archive.h"

namespace kpp::images {

// The pause program under a name: a static program of a few KB, alone in its image.
Result<Image> pause_image(std::string name);

}  // namespace kpp::images
