// A thin C face over oneDNN's CPU engine that hides whether the library is 2.x (operation descriptors, memory
// descriptors as structs) or 3.x (no operation descriptors, opaque memory descriptors).
//
// A primitive is made once, bound to memory once, and then only run. Functions return 0 or a dnnl_status_t.
#ifndef COneDNN_h
#define COneDNN_h

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct zoo_dnn_context zoo_dnn_context;      // an engine and a stream
typedef struct zoo_dnn_layout zoo_dnn_layout;        // a memory descriptor
typedef struct zoo_dnn_primitive zoo_dnn_primitive;  // a primitive, its descriptor and its bound memory

typedef enum { ZOO_DNN_F32 = 0, ZOO_DNN_BF16 = 1 } zoo_dnn_type;

typedef enum { ZOO_DNN_FORWARD = 0, ZOO_DNN_BACKWARD_DATA = 1, ZOO_DNN_BACKWARD_WEIGHTS = 2 } zoo_dnn_pass;

// Operands by their place in the forward pass; in a backward pass the gradient takes the place of what it belongs to.
typedef enum {
    ZOO_DNN_SOURCE = 0,
    ZOO_DNN_WEIGHTS = 1,
    ZOO_DNN_BIAS = 2,
    ZOO_DNN_DESTINATION = 3,
    ZOO_DNN_SCRATCHPAD = 4,
    ZOO_DNN_OPERAND_COUNT = 5
} zoo_dnn_operand;

typedef struct {
    int64_t stride[2];
    int64_t padding[2];
} zoo_dnn_window;

// "2.6.3" of the library that runs, and the instruction set it uses.
void zoo_dnn_version(int *major, int *minor, int *patch);
const char *zoo_dnn_instruction_set(void);
// whether that has instructions for matrix products of bfloat16
bool zoo_dnn_has_bf16(void);
const char *zoo_dnn_status_text(int status);

int zoo_dnn_context_create(zoo_dnn_context **result);
void zoo_dnn_context_destroy(zoo_dnn_context *context);

// strides == NULL leaves the format to the primitive ("any").
int zoo_dnn_layout_create(
    zoo_dnn_layout **result, int rank, const int64_t *extents, const int64_t *strides, zoo_dnn_type type);
void zoo_dnn_layout_destroy(zoo_dnn_layout *layout);
bool zoo_dnn_layout_equal(const zoo_dnn_layout *a, const zoo_dnn_layout *b);
size_t zoo_dnn_layout_byte_count(const zoo_dnn_layout *layout);
zoo_dnn_type zoo_dnn_layout_type(const zoo_dnn_layout *layout);

// Convolution of N C H W sources with O C kh kw weights. bias may be NULL. relu: fused into the forward pass.
int zoo_dnn_convolution(
    zoo_dnn_primitive **result, zoo_dnn_context *context, zoo_dnn_pass pass, const zoo_dnn_layout *source,
    const zoo_dnn_layout *weights, const zoo_dnn_layout *bias, const zoo_dnn_layout *destination,
    const zoo_dnn_window *window, bool relu);

// Inner product of N I sources with O I weights.
int zoo_dnn_inner_product(
    zoo_dnn_primitive **result, zoo_dnn_context *context, zoo_dnn_pass pass, const zoo_dnn_layout *source,
    const zoo_dnn_layout *weights, const zoo_dnn_layout *bias, const zoo_dnn_layout *destination, bool relu);

// Copies SOURCE to DESTINATION between layouts and types.
int zoo_dnn_reorder(
    zoo_dnn_primitive **result, zoo_dnn_context *context, const zoo_dnn_layout *from, const zoo_dnn_layout *to);

void zoo_dnn_primitive_destroy(zoo_dnn_primitive *primitive);

// The layout the primitive wants for an operand (a copy, to be destroyed), or NULL if it does not use it.
zoo_dnn_layout *zoo_dnn_primitive_layout(const zoo_dnn_primitive *primitive, zoo_dnn_operand operand);
// The name of the implementation, for instance "jit:avx512_core"; lives as long as the primitive.
const char *zoo_dnn_primitive_implementation(const zoo_dnn_primitive *primitive);
// Binds an operand to memory, which must outlive the primitive.
int zoo_dnn_primitive_bind(zoo_dnn_primitive *primitive, zoo_dnn_operand operand, void *memory);
// Runs to the end on the calling thread's OpenMP team. All operands must be bound.
int zoo_dnn_primitive_run(const zoo_dnn_primitive *primitive);

#endif
