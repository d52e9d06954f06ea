// What crosses between this library and a kernel on an NVIDIA GPU. Its text is a part of every
// program, behind that of abi.h, so it includes nothing.
#pragma once

// The last parameter of every kernel. A grid is launched in boxes whose blocks are all of one size.
struct sm_cuda_launch {
  sm_u32 grid[3];         // in threads
  sm_u32 groups[3];       // in threadgroups
  sm_u32 group_size[3];   // of a threadgroup that is not at the grid's edge
  sm_u32 first_group[3];  // where the box begins
  sm_u32 threadgroup_offset[SM_BUFFERS];
};

// A buffer or threadgroup argument of a kernel, in the order of its parameters.
struct sm_cuda_argument {
  sm_u32 size;
  sm_u32 alignment;
  sm_u32 read_only;
  sm_u32 by_value;  // the bytes themselves are the parameter, no pointer
};
