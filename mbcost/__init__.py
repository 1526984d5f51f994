"""mbcost"""
