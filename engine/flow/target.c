#include "engine/flow/target.h"

void target_free(Target *target)
{
    if (target != NULL)
        target->ops->free(target);
}

void writer_free(Writer *writer)
{
    if (writer != NULL)
        writer->ops->free(writer);
}
