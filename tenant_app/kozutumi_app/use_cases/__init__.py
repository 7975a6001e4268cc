"""What people and time make the app do. A use case opens its own unit of work unless it is given one."""
